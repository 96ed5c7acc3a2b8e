"""Functions that are images: made, pushed to a real registry, and not made again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_support import IMAGE

TC = str(Path(sys.executable).with_name("tc"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry on this machine."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry isn't installed")
    host = f"127.0.0.1:{30000 + os.getpid() % 10000}"
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": host},
    }
    (tmp_path / "registry.yml").write_text(json.dumps(settings))
    server = subprocess.Popen(
        [program, "serve", str(tmp_path / "registry.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://{host}/v2/").close()
                break
            except OSError:
                time.sleep(0.1)
        yield host
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def base(docker_client: Any, tmp_path: Path) -> Iterator[str]:
    """A small image, so that what is pushed is the function's own."""
    archive = subprocess.run(
        ["tar", "-c", "--files-from", "/dev/null"], capture_output=True, check=True
    ).stdout
    docker_client.api.import_image_from_data(archive, "tc-test", "empty")
    yield "tc-test:empty"
    docker_client.images.remove("tc-test:empty", force=True)


@pytest.fixture
def project(tmp_path: Path, registry: str, base: str) -> Path:
    """`made` has no Dockerfile, `own` has one and a tag."""
    root = tmp_path / "project"
    builder = {"runtime_images": {"python3.11": base}, "registry": registry}
    image = {"runtime": {"package_type": "image", "lang": "python3.11"}}
    own = {
        "runtime": {"package_type": "image"},
        "build": {"version": "1.2", "image_name": "team/Own"},
    }
    files = {
        "topology.yml": "name: etl\n",
        "made/handler.py": "def handler(event, context):\n    return 1\n",
        "made/function.json": json.dumps(image),
        "own/Dockerfile": f'FROM {base}\nCOPY . /app/\nCMD ["x"]\n',
        "own/app.py": "x = 1\n",
        "own/.env": "SECRET=1\n",
        "own/function.json": json.dumps(own),
        "infrastructure/tc/config.yml": json.dumps(
            {
                "builder": builder,
                "envs": {"dev": {"account": "111122223333", "region": "eu-west-1"}},
            }
        ),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / ".git").mkdir()
    return root


def built(project: Path, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """What ``tc build --kind image`` told of each function."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TC_"))}
    env |= {
        "TC_CACHE_DIR": str(project.parent / "cache"),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    words = [TC, "build", "--kind", "image", "--json", *arguments]
    ended = subprocess.run(words, cwd=project, env=env, capture_output=True, text=True)
    assert ended.returncode == code, ended.stdout + ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    return {one["functions"][0]: one for one in events if one["event"] == "build.made"}


def files_in(client: Any, image: str) -> list[str]:
    """The files of an image without its base's."""
    container = client.api.create_container(image, ["x"])["Id"]
    try:
        chunks = client.api.export(container)
        names = subprocess.run(
            ["tar", "-t"], input=b"".join(chunks), capture_output=True, check=True
        ).stdout.decode()
    finally:
        client.api.remove_container(container)
    made = ("dev", "etc", "proc", "sys", ".dockerenv")
    return sorted(n for n in names.splitlines() if not n.startswith(made) and not n.endswith("/"))


def test_images_are_made_pushed_and_then_left_alone(
    project: Path, registry: str, docker_client: Any
) -> None:
    first = built(project, "--publish", "-e", "dev")
    assert {name: one["cached"] for name, one in first.items()} == {"made": False, "own": False}
    (address,) = first["own"]["published"]
    assert address.startswith(f"{registry}/team/own@sha256:")
    assert first["made"]["published"][0].startswith(f"{registry}/etl/made@sha256:")
    docker_client.images.pull(f"{registry}/team/own", tag="1.2")
    pulled = docker_client.images.get(address)
    assert files_in(docker_client, pulled.id) == ["app/Dockerfile", "app/app.py"]
    made = docker_client.images.get(first["made"]["published"][0])
    assert files_in(docker_client, made.id) == ["var/task/handler.py"]
    assert made.attrs["Config"]["Cmd"] == ["handler.handler"]
    assert made.attrs["Architecture"] == "amd64"

    again = built(project, "--publish", "-e", "dev")
    assert {name: one["cached"] for name, one in again.items()} == {"made": True, "own": True}
    assert again["own"]["published"] == first["own"]["published"]

    # settings of the function are no part of its image, its files are
    settings = json.loads((project / "own/function.json").read_text())
    settings["runtime"]["memory"] = 512
    (project / "own/function.json").write_text(json.dumps(settings))
    (project / "made/handler.py").write_text("def handler(event, context):\n    return 2\n")
    changed = built(project, "--publish", "-e", "dev")
    assert {name: one["cached"] for name, one in changed.items()} == {"made": False, "own": True}
    assert changed["made"]["published"] != first["made"]["published"]


def test_a_dry_run_makes_nothing(project: Path, docker_client: Any) -> None:
    before = len(docker_client.images.list(all=True))
    assert built(project, "--dry-run") == {}
    assert len(docker_client.images.list(all=True)) == before


def test_the_local_engine_takes_no_images(project: Path) -> None:
    built(project, "--publish", "-e", "local", code=2)


def test_a_dockerfile_that_fails_is_told_with_its_output(project: Path) -> None:
    (project / "own/Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo what went wrong && false\n")
    env = {**os.environ, "TC_CACHE_DIR": str(project.parent / "cache")}
    words = [TC, "build", "--kind", "image", "-c", "own"]
    ended = subprocess.run(words, cwd=project, env=env, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "error[container-failed]" in ended.stderr
    assert "what went wrong" in ended.stderr
