"""Dependencies really imported from layers: built, published, split, and built again by changes."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Lab, Project, deployed, wheel

pytestmark = pytest.mark.engine

BUCKET = "tc-artifacts-000000000000-us-east-1"

_FUNCTION = {
    "name": "enhancer",
    "description": "enhance wer data",
    "runtime": {
        "lang": "python3.12",
        "package_type": "zip",
        "handler": "handler.handler",
        "layers": ["etl-enhancer"],
        "extensions": [],
    },
    "tasks": {"build": "zip lambda.zip handler.py", "clean": "rm *.zip"},
}
_HANDLER = """
import importlib

def handler(event, context):
    names = event.get("names", ["tc_greeting"])
    return {name: importlib.import_module(name).version for name in names}
"""


class Etl(Project):
    """A project whose packages come from a directory of its own, while there is one."""

    @property
    def offline(self) -> dict[str, str]:
        config = {"TC_CONFIG_PATH": str(self.root / "config.yml")}
        if not (self.root / "wheels").is_dir():
            return config
        return {
            **config,
            "UV_FIND_LINKS": str(self.root / "wheels"),
            "UV_NO_INDEX": "1",
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": "/dev/null",
            "UV_CACHE_DIR": str(self.root / "uv"),
        }

    def tc(self, command: str, *arguments: str, **more: Any) -> Any:
        return super().tc(command, *arguments, env=self.offline, **more)

    def build(self, *arguments: str, code: int | None = 0, cwd: str = "") -> Any:
        words = ("build", "-e", self.env, *arguments)
        return self.lab.tc(*words, cwd=self.root / cwd, env=self.offline, code=code)

    def invoked(self, *names: str) -> Any:
        payload = json.dumps({"names": names} if names else {})
        words = ("--json", "--payload", payload, "-c", "functions/enhancer")
        return self.tc("invoke", *words).named("result")[0]["output"]


@pytest.fixture
def etl(lab: Lab, tmp_path: Path) -> Iterator[Etl]:
    (tmp_path / ".git").mkdir()
    project = Etl(lab, tmp_path)
    project.write(
        {
            "topology.yml": "name: etl\n",
            "config.yml": "layers: {part_size: 1}\n",
            "enhancer/handler.py": _HANDLER,
            "enhancer/function.json": json.dumps(_FUNCTION),
            "enhancer/requirements.txt": "tc_greeting==1.0\n",
        }
    )
    wheel(tmp_path / "wheels", "tc_greeting", "1.0")
    wheel(tmp_path / "wheels", "tc_greeting", "2.0")
    yield project
    client = lab.client("lambda")
    for layer in client.list_layers()["Layers"]:
        name = layer["LayerName"]
        for version in client.list_layer_versions(LayerName=name)["LayerVersions"]:
            client.delete_layer_version(LayerName=name, VersionNumber=version["Version"])


def versions(lab: Lab, name: str) -> list[int]:
    found = lab.client("lambda").list_layer_versions(LayerName=name)["LayerVersions"]
    return [one["Version"] for one in found]


def test_a_layer_is_built_published_listed_and_imported_from(lab: Lab, etl: Etl) -> None:
    etl.build("--publish", cwd="enhancer")
    first = versions(lab, "etl-enhancer")
    said = etl.build("--publish").text
    assert "Unchanged layer etl-enhancer" in said
    assert versions(lab, "etl-enhancer") == first
    listed = etl.build("--list", cwd="enhancer").out.splitlines()
    assert [column.strip() for column in listed[0].split("|")] == [
        "name",
        "version",
        "created_date",
    ]
    assert listed[1] == f"{'-' * 43}+{'-' * 9}+{'-' * 30}"
    row = rf"etl-enhancer +\| {first[0]} +\| \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}\+0000"
    assert re.fullmatch(row, listed[2])
    with deployed(etl):
        assert etl.invoked() == {"tc_greeting": "1.0"}
        assert versions(lab, "etl-enhancer") == first
        assert (
            lab.client("lambda").get_function(FunctionName="etl_enhancer_bob")["Configuration"][
                "CodeSize"
            ]
            < 1000
        )


def test_a_layer_nobody_listed_is_made_and_follows_its_files(lab: Lab, etl: Etl) -> None:
    etl.edit("enhancer/function.json", '["etl-enhancer"]', "[]")
    planned = etl.tc("create", "--dry-run")
    assert "the layer `etl-enhancer` isn't there yet" in planned.text
    assert versions(lab, "etl-enhancer") == []
    with deployed(etl):
        assert etl.invoked() == {"tc_greeting": "1.0"}
        before = versions(lab, "etl-enhancer")
        etl.edit("enhancer/requirements.txt", "1.0", "2.0")
        etl.tc("update", "-c", "enhancer")
        assert etl.invoked() == {"tc_greeting": "2.0"}
        assert len(versions(lab, "etl-enhancer")) == len(before) + 1
        # one is kept, and the function has it
        etl.write({"config.yml": "layers: {part_size: 1, keep: 1}\n"})
        etl.edit("enhancer/requirements.txt", "2.0", "1.0")
        etl.tc("update", "-c", "enhancer")
        assert len(versions(lab, "etl-enhancer")) == 2
        etl.edit("enhancer/requirements.txt", "1.0", "2.0")
        etl.tc("update", "-c", "enhancer")
        assert etl.invoked() == {"tc_greeting": "2.0"}
        assert len(versions(lab, "etl-enhancer")) == 2
        said = etl.tc("create", "--json").named("done")[0]
        assert said["wrote"] == 0


def test_a_split_layer_is_imported_from_whole(lab: Lab, etl: Etl) -> None:
    names = [f"tc_noise_{number}" for number in range(3)]
    for name in names:
        wheel(etl.root / "wheels", name, "1.0", size=1_200_000)
    etl.write({"enhancer/requirements.txt": "\n".join([*names, "tc_greeting==1.0"])})
    with deployed(etl):
        assert etl.invoked(*names, "tc_greeting") == dict.fromkeys([*names, "tc_greeting"], "1.0")
        function = lab.client("lambda").get_function(FunctionName="etl_enhancer_bob")
        listed = [one["Arn"].split(":")[6] for one in function["Configuration"]["Layers"]]
        assert listed == [f"etl-enhancer-{number}" for number in range(len(listed))]
        assert len(listed) > 1


def test_on_aws_a_layer_is_published_by_people_and_told_when_it_is_old(lab: Lab, etl: Etl) -> None:
    cloud = Etl(lab, etl.root, env="aws")
    said = cloud.tc("create", code=1)
    assert "`etl-enhancer`, used by enhancer" in said.text
    assert "tc build --publish -e aws -c enhancer" in said.text
    assert "etl_enhancer_bob" not in str(lab.inventory())
    cloud.build("--publish")
    with deployed(cloud):
        cloud.edit("enhancer/requirements.txt", "1.0", "2.0")
        said = cloud.tc("create")
        assert (
            "was built of something else than enhancer/requirements.txt asks for now" in said.text
        )
        assert "Nothing to do" in said.text
        cloud.build("--publish")
        assert cloud.plan() == ["~ function etl_enhancer_bob layers.0"]
        cloud.create()
        assert cloud.invoked() == {"tc_greeting": "2.0"}


def test_the_layer_of_a_stable_sandbox_is_promoted(lab: Lab, etl: Etl) -> None:
    etl.build("--publish")
    etl.build("--promote")
    stable = lab.client("lambda").list_layer_versions(LayerName="etl-enhancer-stable")
    assert len(stable["LayerVersions"]) == 1
    with deployed(Etl(lab, etl.root, "stable")) as _:
        function = lab.client("lambda").get_function(FunctionName="etl_enhancer_stable")
        (layer,) = function["Configuration"]["Layers"]
        assert ":layer:etl-enhancer-stable:" in layer["Arn"]


def test_code_that_is_too_large_for_a_call_goes_through_the_bucket(lab: Lab, etl: Etl) -> None:
    noise = random.Random(1).randbytes(52 * 1024 * 1024)
    etl.write({"enhancer/requirements.txt": "", "enhancer/function.json": "{}"})
    (etl.root / "enhancer/model.bin").write_bytes(noise)
    sums = "import hashlib, pathlib\ndef handler(event, context):\n"
    sums += "    model = pathlib.Path(__file__).parent / 'model.bin'\n"
    sums += "    return hashlib.sha256(model.read_bytes()).hexdigest()\n"
    etl.write({"enhancer/handler.py": sums})
    before = packages(lab)
    with deployed(etl):
        assert etl.invoked() == hashlib.sha256(noise).hexdigest()
        assert len(packages(lab) - before) == 1
        said = etl.tc("create", "--json")
        assert said.named("done")[0]["wrote"] == 0
        etl.write({"enhancer/handler.py": f"{sums}# again\n"})
        said = etl.tc("update", "-c", "enhancer")
        assert "Uploading the package of etl_enhancer_bob: 52.0 MB, 52.0 MB unpacked" in said.text
        assert "model.bin 52.0 MB" in said.text
        assert etl.invoked() == hashlib.sha256(noise).hexdigest()


def packages(lab: Lab) -> set[str]:
    """The packages in the artifact bucket; none where there is no bucket."""
    s3 = lab.client("s3")
    if not any(one["Name"] == BUCKET for one in s3.list_buckets()["Buckets"]):
        return set()
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix="packages/").get("Contents", [])
    return {one["Key"] for one in found}


@pytest.mark.index
def test_a_real_set_of_packages_is_imported_from_all_parts(lab: Lab, etl: Etl) -> None:
    packages = ("numpy", "pandas", "sqlalchemy", "cryptography", "pillow")
    modules = ["numpy", "pandas", "sqlalchemy", "cryptography", "PIL"]
    handler = _HANDLER.replace(".version for", ".__version__ for")
    etl.write(
        {
            "enhancer/requirements.txt": "\n".join(packages),
            "enhancer/handler.py": handler,
            "config.yml": "layers: {part_size: 15}\n",
        }
    )
    shutil.rmtree(etl.root / "wheels")
    said = etl.build("--publish", "--json", code=None)
    if any(error.get("code") == "index-unreachable" for error in said.named("error")):
        pytest.skip("no package index can be reached")
    assert said.code == 0, said.text
    (layer,) = [made for made in said.named("build.made") if made["kind"] == "layer"]
    assert layer["unpacked"] > 120_000_000
    assert len(layer["published"]) >= 3
    with deployed(etl):
        assert set(etl.invoked(*modules)) == set(modules)
