"""Models and dependencies on a file system, as a user has them: published, read by handlers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_support import TC, Lab, Project

pytestmark = pytest.mark.engine

MB = 1024 * 1024
GB = 1024 * MB
HANDLER = """
import hashlib, os, pathlib
def handler(event, context):
    top = pathlib.Path(os.environ["MODEL_PATH"])
    found = {}
    for name in event.get("names") or sorted(os.listdir(top)):
        digest = hashlib.sha256()
        with (top / name).open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        found[name] = digest.hexdigest()
    return {"path": str(top), "count": sum(len(f) for _, _, f in os.walk(top)), "files": found}
"""


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "etl"
    made = Project(lab, root, "models")
    (root / "reader").mkdir(parents=True)
    (root / "topology.yml").write_text("name: etl\nfunctions: { reader: {} }\n")
    (root / "reader/handler.py").write_text(HANDLER)
    describe(made, {"MODEL_PATH": place(made)})
    yield made
    # not the file system itself: functions that are loaded have it mounted
    for content in (lab.home / "tc/local/efs").glob("*/*"):
        shutil.rmtree(content)


def place(project: Project, what: str = "artifacts") -> str:
    """A path of this test's own."""
    return f"/mnt/assets/{project.root.parent.name}/{what}"


def describe(project: Project, assets: dict[str, str], **more: Any) -> None:
    runtime = {"lang": "python3.11", "timeout": 60}
    file = {"name": "reader", "runtime": runtime, "assets": assets, **more}
    (project.root / "reader/function.json").write_text(json.dumps(file))


def build(project: Project, *arguments: str, code: int = 0) -> Any:
    return project.lab.tc(
        "build", "-e", "local", "--publish", *arguments, cwd=project.root / "reader", code=code
    )


def fill(path: Path, size: int, seed: int) -> None:
    """`size` bytes of which no two megabytes are the same."""
    block = os.urandom(MB)
    with path.open("wb") as file:
        for start in range(0, size, MB):
            length = min(MB, size - start)
            file.write(((seed << 40) + start).to_bytes(16, "big") + block[16:length])


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_gigabyte_broken_off_in_the_middle_goes_on(project: Project) -> None:
    source = project.root / "reader/artifacts"
    source.mkdir()
    fill(source / "model.bin", GB - 200 * MB, 1)
    for number in range(24):
        fill(source / f"shard-{number}.bin", 8 * MB, number + 2)
    for number in range(400):
        fill(source / f"word-{number}.txt", 20_000, number + 100)
    total = sum(file.stat().st_size for file in source.iterdir())
    on_disk = project.lab.home / "tc/local/s3"

    broken = subprocess.Popen(
        [TC, "build", "-e", "local", "--kind", "artifacts", "--publish"],
        cwd=project.root / "reader",
        env=project.lab.env,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while size_of(on_disk) < 200 * MB and time.monotonic() < deadline:
        assert broken.poll() is None, "it was done before it could be broken off"
        time.sleep(0.05)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    project.create()
    unread = json.loads(project.tc("invoke", "--payload", '{"names": ["model.bin"]}', code=1).out)
    assert unread["errorType"] == "FileNotFoundError"

    went_on = build(project, "--kind", "artifacts", "--json")
    (made,) = went_on.named("build.made")
    assert made["bytes"] == total
    (published,) = went_on.named("asset.published")
    assert published["files"] == 425
    assert published["moved"] < total - 150 * MB

    names = ["model.bin", "shard-3.bin", "word-7.txt"]
    payload = json.dumps({"names": names})
    read = json.loads(project.tc("invoke", "--payload", payload).out)
    assert read["path"] == place(project)
    assert read["count"] == 425
    assert read["files"] == {name: digest(source / name) for name in names}

    fill(source / "shard-3.bin", MB, 999)
    again = build(project, "--kind", "artifacts", "--json")
    (published,) = again.named("asset.published")
    assert (published["new"], published["moved"]) == (1, MB)
    read = json.loads(project.tc("invoke", "--payload", '{"names": ["shard-3.bin"]}').out)
    assert read["files"] == {"shard-3.bin": digest(source / "shard-3.bin")}


def size_of(directory: Path) -> int:
    return sum(
        file.stat().st_size
        for folder, _, names in os.walk(directory)
        for file in (Path(folder, name) for name in names)
        if file.exists()
    )


def test_what_a_task_makes_is_published_and_unchanged_the_next_time(project: Project) -> None:
    task = "mkdir artifacts && sort words > artifacts/sorted "
    describe(project, {"MODEL_PATH": place(project)}, tasks={"artifacts": task})
    (project.root / "reader/words").write_text("b\na\n")
    first = build(project, "--kind", "artifacts")
    assert "Built artifacts" in first.out
    project.create()
    read = json.loads(project.tc("invoke", "--payload", "{}").out)
    assert read["files"] == {"sorted": hashlib.sha256(b"a\nb\n").hexdigest()}
    assert "Unchanged artifacts" in build(project, "--kind", "artifacts").out


def test_artifacts_on_s3_are_published(project: Project) -> None:
    s3 = project.lab.client("s3")
    bucket = f"models-{os.getpid()}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="bert/1/model", Body=b"a model")
    source = f"s3://{bucket}/bert/1"
    describe(project, {"MODEL_PATH": place(project), "ARTIFACTS_SOURCE": source})
    build(project, "--kind", "artifacts")
    project.create()
    read = json.loads(project.tc("invoke", "--payload", "{}").out)
    assert read["files"] == {"model": hashlib.sha256(b"a model").hexdigest()}


def test_dependencies_are_imported_from_the_file_system(project: Project, tmp_path: Path) -> None:
    where = place(project, "deps")
    describe(project, {"DEPS_PATH": where})
    wheel(tmp_path / "wheels")
    (project.root / "reader/requirements.txt").write_text("tcown==1.0\n")
    (project.root / "reader/handler.py").write_text(
        "import tcown\ndef handler(event, context):\n    return [tcown.WORD, tcown.__file__]\n"
    )
    env = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_OFFLINE": "1", "UV_NO_INDEX": "1"}
    project.lab.tc(
        "build",
        "-e",
        "local",
        "--kind",
        "deps",
        "--publish",
        cwd=project.root / "reader",
        env=env,
    )
    project.create()
    answer = json.loads(project.tc("invoke", "--payload", "{}").out)
    assert answer == ["from the file system", f"{where}/tcown.py"]


def wheel(directory: Path) -> None:
    """A wheel with one module."""
    directory.mkdir()
    info = "tcown-1.0.dist-info"
    with zipfile.ZipFile(directory / "tcown-1.0-py3-none-any.whl", "w") as out:
        out.writestr("tcown.py", "WORD = 'from the file system'\n")
        out.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tcown\nVersion: 1.0\n")
        out.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr(f"{info}/RECORD", "tcown.py,,\n")


BOOTSTRAP = """#!{python}
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        number = event.headers["Lambda-Runtime-Aws-Request-Id"]
    found = [open("{path}/model").read(), sorted(name for name in os.environ if "MOUNTS" in name)]
    body = json.dumps(found).encode()
    urllib.request.urlopen(urllib.request.Request(api + number + "/response", body)).read()
"""


def test_a_program_of_its_own_reads_it_too(project: Project) -> None:
    source = project.root / "reader/artifacts"
    source.mkdir()
    (source / "model").write_text("a model")
    build(project, "--kind", "artifacts")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as out:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o100755 << 16
        out.writestr(info, BOOTSTRAP.format(python=sys.executable, path=place(project)))
    client = project.lab.client("lambda")
    point = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-" + "0" * 17
    name = f"own_{project.root.parent.name}"[:60]
    client.create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role="arn:aws:iam::000000000000:role/any",
        Timeout=10,
        Code={"ZipFile": body.getvalue()},
        FileSystemConfigs=[{"Arn": point, "LocalMountPath": "/mnt/assets"}],
    )
    try:
        answer = json.loads(client.invoke(FunctionName=name)["Payload"].read())
    finally:
        client.delete_function(FunctionName=name)
    assert answer == ["a model", []]


def test_a_dry_run_says_what_would_move_and_writes_nothing(project: Project) -> None:
    source = project.root / "reader/artifacts"
    source.mkdir()
    (source / "model").write_bytes(b"x" * 5000)
    before = project.lab.inventory()
    said = build(project, "--kind", "artifacts", "--dry-run")
    assert "1 file, 4.9 KB; 1 of them move, 4.9 KB" in said.out
    assert project.lab.inventory() == before
    build(project, "--kind", "artifacts")
    said = build(project, "--kind", "artifacts", "--dry-run")
    assert "1 file, 4.9 KB; nothing moves" in said.out


def test_another_topology_does_not_replace_it_and_publishes_the_rest(project: Project) -> None:
    (project.root / "reader/artifacts").mkdir()
    (project.root / "reader/artifacts/model").write_text("ours")
    build(project, "--kind", "artifacts")
    other = project.root.with_name("reports")
    for name, path in (("reader", place(project)), ("writer", place(project, "other"))):
        (other / name / "artifacts").mkdir(parents=True)
        (other / name / "artifacts/model").write_text("theirs")
        (other / name / "handler.py").write_text(HANDLER)
        function = {"name": name, "assets": {"MODEL_PATH": path}}
        (other / name / "function.json").write_text(json.dumps(function))
    (other / "topology.yml").write_text("name: reports\n")
    words = ["build", "-e", "local", "--publish", "--kind", "artifacts"]
    said = project.lab.tc(*words, cwd=other, code=1)
    assert "is the topology `etl`'s" in said.text
    assert f"Published 1 file at {place(project, 'other')}" in said.text
    project.create()
    ours = {"model": hashlib.sha256(b"ours").hexdigest()}
    assert json.loads(project.tc("invoke", "--payload", "{}").out)["files"] == ours

    project.lab.tc(*words, "--adopt", cwd=other)
    theirs = {"model": hashlib.sha256(b"theirs").hexdigest()}
    assert json.loads(project.tc("invoke", "--payload", "{}").out)["files"] == theirs


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda source: None, "no-asset"),
        (lambda source: source.mkdir(), "empty-asset"),
        (lambda source: (source.mkdir(), (source / "out").symlink_to("/etc")), "link-outside"),
    ],
)
def test_what_can_t_be_published_is_said(project: Project, prepare: Any, code: str) -> None:
    prepare(project.root / "reader/artifacts")
    said = build(project, "--kind", "artifacts", "--json", code=1)
    assert code in said.text
