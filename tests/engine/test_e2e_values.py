"""Values from elsewhere, code in the topology, functions of other repositories: they really run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_proxy import Call
from e2e_support import Lab, Project, deployed

pytestmark = pytest.mark.engine

NAMES = ["SSM", "SECRET", "TOKEN", "OBJECT", "FILE", "OVERLAY"]
HANDLER = f"""\
import os


def handler(event, context):
    return {{name: os.environ.get(name) for name in {NAMES}}}
"""
TOPOLOGY = """\
name: values
functions:
  reader:
    runtime:
      environment:
        SSM: ssm:/{{sandbox}}/db
        SECRET: secretsmanager:values/plain
        TOKEN: secretsmanager:values/api#token
        OBJECT: s3://values-conf/{{env}}/level.txt
        FILE: file:conf/level.txt
  idle: { runtime: { lang: python3.11, code: "def handler(event, context): return 'idle'" } }
"""
HELD = {
    "SSM": "ssm-4701",
    "SECRET": "secret-4702",
    "TOKEN": "token-4703",
    "OBJECT": "object-4704",
    "FILE": "file-4705",
    "OVERLAY": "ssm-4701",
}
READER = "values_reader_bob"


@pytest.fixture(scope="module")
def held(lab: Lab) -> Iterator[None]:
    """The values, where they stand."""
    ssm, secrets, s3 = (lab.client(name) for name in ("ssm", "secretsmanager", "s3"))
    ssm.put_parameter(Name="/bob/db", Value=HELD["SSM"], Type="SecureString")
    secrets.create_secret(Name="values/plain", SecretString=HELD["SECRET"])
    secrets.create_secret(Name="values/api", SecretString=json.dumps({"token": HELD["TOKEN"]}))
    s3.create_bucket(Bucket="values-conf")
    s3.put_object(Bucket="values-conf", Key="aws/level.txt", Body=HELD["OBJECT"].encode() + b"\n")
    yield
    ssm.delete_parameter(Name="/bob/db")
    for name in ("values/plain", "values/api"):
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    s3.delete_object(Bucket="values-conf", Key="aws/level.txt")
    s3.delete_bucket(Bucket="values-conf")


@pytest.fixture
def project(lab: Lab, tmp_path: Path, held: None) -> Project:
    overlay = {"default": {"environment": {"OVERLAY": "ssm:/bob/db"}}}
    return Project(lab, tmp_path, env="aws").write(
        {
            ".git/HEAD": "",
            "topology.yml": TOPOLOGY,
            "reader/handler.py": HANDLER,
            "conf/level.txt": HELD["FILE"] + "\n",
            "infrastructure/tc/values/vars/reader.json": json.dumps(overlay),
        }
    )


def answer(project: Project, function: str) -> Any:
    return json.loads(project.tc("invoke", "-c", function).out)


def written(calls: list[Call]) -> list[str]:
    return [call.shape for call in calls if call.writes and call.name != "batch_get_secret_value"]


def test_values_arrive_and_are_never_shown(lab: Lab, project: Project) -> None:
    with deployed(project):
        assert answer(project, "reader") == HELD
        # a new value of each place, seen as one change of one function
        lab.client("secretsmanager").put_secret_value(
            SecretId="values/plain", SecretString="secret-4712"
        )
        project.write({"conf/level.txt": "file-4715"})
        said = [project.tc("diff").text, project.tc("diff", "--json").text]
        said.append(project.tc("resolve").text)
        assert project.plan() == [f"~ function {READER} environment.SECRET environment.FILE"]
        with lab.proxy.counting() as calls:
            said.append(project.tc("update", "-c", "vars").text)
        assert written(calls) == [f"PUT /2015-03-31/functions/{READER}/configuration"]
        assert answer(project, "reader") == {
            **HELD,
            "SECRET": "secret-4712",
            "FILE": "file-4715",
        }
        assert 'environment.SECRET: "(hidden)" -> "(secretsmanager:values/plain)"' in said[0]
        assert not [text for text in said if "-47" in text]
        lab.client("secretsmanager").put_secret_value(
            SecretId="values/plain", SecretString=HELD["SECRET"]
        )
        project.tc("update")


def test_missing_values_stop_before_anything_is_written(lab: Lab, project: Project) -> None:
    project.edit("topology.yml", "ssm:/{{sandbox}}/db", "ssm:/{{sandbox}}/gone")
    project.edit("topology.yml", "values/api#token", "values/api#gone")
    project.edit("topology.yml", "values/plain", "values/gone")
    project.edit("topology.yml", "s3://values-conf/{{env}}", "s3://values-conf/gone")
    (project.root / "conf" / "level.txt").unlink()
    with lab.proxy.counting() as calls:
        said = project.tc("create", code=1)
    assert written(calls) == []
    assert "5 values can't be had:" in said.err
    for line in (
        "`ssm:/bob/gone` isn't there (SSM of reader)",
        "`secretsmanager:values/gone` isn't there (SECRET of reader)",
        "`secretsmanager:values/api#gone` has no key `gone` (TOKEN of reader)",
        "`s3://values-conf/gone/level.txt` isn't there (OBJECT of reader)",
        "`file:conf/level.txt` isn't there (FILE of reader)",
    ):
        assert line in said.err
    # what nothing is fetched for says nothing of them
    lab.tc("validate", cwd=project.root)
    lab.tc("compose", "-f", "json", cwd=project.root)


def test_what_local_lacks_can_be_put_there(lab: Lab, tmp_path: Path) -> None:
    project = Project(lab, tmp_path).write({".git/HEAD": "", "reader/handler.py": HANDLER})
    text = "name: here\nfunctions: {reader: {runtime: {environment: {SSM: 'ssm:/here/db'}}}}\n"
    project.write({"topology.yml": text})
    said = project.tc("create", code=1)
    url = f"http://127.0.0.1:{lab.port}"
    command = f"aws --endpoint-url {url} ssm put-parameter --type SecureString --name /here/db"
    assert command in said.err
    lab.client("ssm").put_parameter(Name="/here/db", Value="here-1", Type="SecureString")
    with deployed(project):
        assert answer(project, "reader")["SSM"] == "here-1"
    lab.client("ssm").delete_parameter(Name="/here/db")


def test_code_in_the_topology_answers(lab: Lab, tmp_path: Path) -> None:
    text = """\
name: inline
functions:
  hello:
    build: { kind: Inline }
    runtime:
      lang: python3.11
      code: |
        def handler(event, context):
            return {"hello": event.get("name"), "from": "{{sandbox}}"}
"""
    project = Project(lab, tmp_path).write({".git/HEAD": "", "topology.yml": text})
    with deployed(project):
        said = project.tc("invoke", "-c", "hello", "--payload", '{"name": "bob"}')
        assert json.loads(said.out) == {"hello": "bob", "from": "bob"}
        project.edit("topology.yml", '"from"', '"of"')
        assert project.plan() == ["~ function inline_hello_bob code"]
        lines = project.tc("diff").out
        assert '+    return {"hello": event.get("name"), "of": "bob"}' in lines
        project.tc("update", "-c", "hello")
        assert answer(project, "hello") == {"hello": None, "of": "bob"}


def git(directory: Path, *arguments: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *own, *arguments], cwd=directory, check=True, capture_output=True)


def test_a_function_of_another_repository_answers(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "fns" / "adder").mkdir(parents=True)
    file = other / "fns" / "adder" / "handler.py"
    file.write_text("def handler(event, context):\n    return {'at': 'v1'}\n")
    git(other, "init", "-q")
    git(other, "add", "-A")
    git(other, "commit", "-qm", "one")
    git(other, "tag", "v1")
    file.write_text("def handler(event, context):\n    return {'at': 'v2'}\n")
    git(other, "commit", "-qam", "two")
    git(other, "tag", "v2")
    root = tmp_path / "project"
    uri = f"file://{other}//fns/adder?ref=v1"
    project = Project(lab, root).write(
        {
            ".git/HEAD": "",
            "etl/topology.yml": f"name: far\nfunctions: {{add: {{uri: '{uri}'}},"
            " near: {uri: ../shared/near}}\n",
            "shared/near/handler.py": "def handler(event, context):\n    return {'at': 'near'}\n",
        }
    )
    etl = Project(lab, root / "etl")
    with deployed(etl):
        assert answer(etl, "add") == {"at": "v1"}
        assert answer(etl, "near") == {"at": "near"}
        project.edit("etl/topology.yml", "ref=v1", "ref=v2")
        assert etl.plan() == ["~ function far_add_bob code"]
        etl.tc("update")
        assert answer(etl, "add") == {"at": "v2"}
