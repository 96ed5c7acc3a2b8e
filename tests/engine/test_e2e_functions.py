"""The settings of functions that the engine really honours, and the alias that everything calls."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from e2e_support import Lab, Project, copied, deployed

pytestmark = pytest.mark.engine
#: keeps what it is given on its file system
_KEEPER = """
from pathlib import Path

def handler(event, context):
    kept = Path("/mnt/assets/kept")
    if "keep" in event:
        kept.write_text(event["keep"])
    return kept.read_text()
"""


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as layer:
        layer.writestr("python/greeting.py", "GREETING = 'hello from the layer'\n")
    lab.client("lambda").publish_layer_version(
        LayerName="settings-greeting", Content={"ZipFile": zipped.getvalue()}
    )
    return copied(lab, "settings", tmp_path)


def invoked(project: Project, payload: str = "{}") -> Any:
    said = project.tc("invoke", "--json", "--sync", "-c", "flow", "--payload", payload)
    return said.named("result")[0]["output"]


def test_settings_are_in_force_and_everything_calls_the_alias(lab: Lab, project: Project) -> None:
    with deployed(project) as at:
        answer = lab.http("POST", at["POST /one"], {})
        assert answer.status == 200, answer.text
        assert answer.json["greeting"] == "hello from the layer"
        assert answer.json["level"] == "low"
        assert answer.json["memory"] in (256, "256")
        assert answer.json["seconds"] in (19, 20)
        assert answer.json["version"] == "1"
        assert invoked(project)["version"] == "1"

        entry = {"DetailType": "Ping", "Source": "default", "Detail": "{}"}
        lab.client("events").put_events(Entries=[entry])
        assert lab.wait_logged("settings_two_bob") == ["version 1 was called"]

        one = lab.client("lambda").get_function(FunctionName="settings_one_bob")
        assert one["Configuration"]["EphemeralStorage"] == {"Size": 1024}
        assert one["Tags"]["team"] == "data"

        with pytest.raises(ClientError, match="TooManyRequestsException"):
            lab.client("lambda").invoke(FunctionName="settings_stopped_bob")

        project.edit("topology.yml", "LEVEL: low", "LEVEL: high")
        assert project.plan() == [
            "+ version settings_one_bob",
            "~ alias settings_one_bob:live version",
            "~ function settings_one_bob environment.LEVEL",
        ]
        project.tc("update", "-c", "functions/one/vars")
        answer = lab.http("POST", at["POST /one"], {})
        assert (answer.json["level"], answer.json["version"]) == ("high", "2")
        assert invoked(project)["level"] == "high"
        project.same()
        versions = lab.client("lambda").list_versions_by_function(FunctionName="settings_one_bob")
        assert [one["Version"] for one in versions["Versions"]] == ["$LATEST", "1", "2"]

        vars_file = "infrastructure/tc/settings/vars/stopped.json"
        project.edit(vars_file, '"reserved_concurrency": 0', '"reserved_concurrency": 1')
        project.tc("update", "-c", "stopped/concurrency")
        ran = lab.client("lambda").invoke(FunctionName="settings_stopped_bob")
        assert ran["Payload"].read() == b'"ran"'

        project.edit("topology.yml", "      provisioned_concurrency: 1\n", "")
        assert "- alias settings_one_bob:live" in project.plan()
        project.create()
        assert lab.http("POST", at["POST /one"], {}).json["version"] == "$LATEST"
        assert invoked(project)["version"] == "$LATEST"
        project.same()


def test_what_the_engine_can_t_do_is_said(lab: Lab, project: Project) -> None:
    assert "local engine" not in lab.tc("validate", cwd=project.root).text
    said = project.tc("create", "--dry-run")
    assert "`network` of `two` changes nothing on the local engine" in said.text
    assert "`provisioned_concurrency` of `one` changes nothing on the local engine" in said.text


def test_a_file_system_is_mounted_here_too(lab: Lab, project: Project) -> None:
    point = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0"
    project.edit(
        "topology.yml",
        "snapstart: true, network: true",
        f"network: true, fs: {{access_point: '{point}'}}",
    )
    project.write({"two/handler.py": _KEEPER})
    with deployed(project):
        for payload in ('{"keep": "this"}', "{}"):
            said = project.tc("invoke", "-c", "functions/two", "--payload", payload)
            assert said.out.strip() == "this"


def test_roles_below_a_prefix_are_found_again(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "chain", tmp_path)
    project.write({"infrastructure/tc/config.yml": "roles: {path_prefix: /team}\n"})
    with deployed(project):
        roles = lab.client("iam").list_roles(PathPrefix="/team/tc/us-east-1/chain/bob/")["Roles"]
        assert roles
        assert "chain" in project.tc("list").out


def test_an_image_is_refused_before_anything_is_called(lab: Lab, project: Project) -> None:
    project.edit("topology.yml", "snapstart: true, network: true", "package_type: image")
    vars_file = "infrastructure/tc/settings/vars/two.json"
    project.edit(vars_file, '"network"', '"image_uri": "x/y:1", "network"')
    project.edit("topology.yml", "lang: python3.13, ", "")
    before = lab.inventory()
    said = project.tc("create", code=2)
    assert "error[local-image]: `two` is an image" in said.text
    assert lab.inventory() == before
