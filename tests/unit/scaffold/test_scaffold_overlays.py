"""The overlays that are begun say what holds already: with them nothing is different."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tc.components import sections
from tc.components.role import policy_of
from tc.compose.compose import compose
from tc.load.load import load
from tc.scaffold.files import write
from tc.scaffold.overlays import overlay_files
from tc.spec.scope import Scope
from tc.spec.spec import Spec
from tc.spec.topology import Topology

HANDLER = "def handler(event, context):\n    return event\n"
TOPOLOGY = """\
name: etl
recursive: true
routes:
  /etl: { method: POST, function: waited }
functions:
  waited: { runtime: { memory: 512, tracing: true } }
"""
SCOPE = {"account": "123456789012", "region": "eu-west-1", "env": "dev"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        ".git/keep": "",
        "etl/topology.yml": TOPOLOGY,
        "etl/waited/handler.py": HANDLER,
        "etl/plain/handler.py": HANDLER,
        "etl/plain/function.json": json.dumps(
            {"runtime": {"timeout": 7, "environment": {"STAGE": "{{sandbox}}", "N": 1}}}
        ),
        "etl/inner/topology.yml": "name: inner\n",
        "etl/inner/deep/handler.py": HANDLER,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def loaded(project: Path) -> Spec:
    found = load(project / "etl", sections())
    assert [f for f in found.findings if f.severity == "error"] == []
    assert found.spec is not None
    return found.spec


def begin(project: Path) -> list[bool]:
    spec = loaded(project)
    files = overlay_files(spec, Scope(spec.name), lambda s, scope: compose(s, scope).topology)
    return [write(file) for file in files]


def meant(project: Path, sandbox: str, partition: str) -> list[tuple[Any, ...]]:
    """Everything that overlays could change."""
    scope = Scope("etl", sandbox=sandbox, partition=partition, **SCOPE)
    topology: Topology = compose(loaded(project), scope).topology
    return [
        *(
            (f.name, f.memory, f.timeout, dict(f.environment), dict(f.tags))
            for part in topology.family()
            for f in part.functions.values()
        ),
        *((r.name, policy_of(r)) for part in topology.family() for r in part.roles),
    ]


@pytest.mark.parametrize("sandbox", ["b", "pr-123", "a-quite-long-name-of-one"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_nothing_is_different_with_them(project: Path, sandbox: str, partition: str) -> None:
    before = meant(project, sandbox, partition)
    assert all(begin(project))
    assert meant(project, sandbox, partition) == before


def test_they_say_what_is_inferred(project: Path) -> None:
    begin(project)
    infra = project / "infrastructure" / "tc"
    read = {
        path.relative_to(infra).as_posix(): json.loads(path.read_text())
        for path in infra.rglob("*.json")
    }
    names = ("etl/vars/waited", "etl/vars/plain", "inner/vars/deep")
    names += ("etl/roles/waited", "etl/roles/plain", "inner/roles/deep")
    assert set(read) == {f"{name}.json" for name in names}
    assert read["etl/vars/waited.json"]["default"] == {
        "memory_size": 512,
        "timeout": 29,
        "environment": {},
    }
    plain = read["etl/vars/plain.json"]["default"]
    assert plain["timeout"] == 7
    assert plain["environment"] == {"STAGE": "{{sandbox}}", "N": "1"}
    logs, xray = read["etl/roles/waited.json"]["Statement"]
    [group] = logs["Resource"]
    assert group.startswith("arn:{{partition}}:logs:{{region}}:{{account}}:log-group:")
    assert group.endswith(":/aws/lambda/etl_waited_{{sandbox}}:*")
    assert xray["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


def test_what_is_there_stays(project: Path) -> None:
    own = project / "infrastructure/tc/etl/roles/plain.json"
    own.parent.mkdir(parents=True)
    own.write_text('{"Statement": []}')
    assert begin(project).count(False) == 1
    assert begin(project).count(True) == 0
    assert own.read_text() == '{"Statement": []}'


def test_infra_says_where(project: Path) -> None:
    (project / "ops").mkdir()
    file = project / "etl" / "topology.yml"
    file.write_text(f"infra: ../ops\n{TOPOLOGY}")
    begin(project)
    assert (project / "ops" / "vars" / "plain.json").is_file()
    assert not (project / "infrastructure" / "tc" / "etl").exists()


def test_a_name_that_is_cut_in_some_sandboxes_is_not_written(project: Path) -> None:
    long = "f" * 50
    (project / "etl" / "plain").rename(project / "etl" / long)
    before = meant(project, "a-quite-long-name-of-one", "aws")
    begin(project)
    written = json.loads((project / f"infrastructure/tc/etl/roles/{long}.json").read_text())
    assert written["Statement"] == []
    assert meant(project, "a-quite-long-name-of-one", "aws") == before


def test_a_path_in_a_value_stays_where_it_is_seen_from(project: Path) -> None:
    from tc.scaffold.overlays import vars_document

    function = loaded(project).functions["plain"]
    object.__setattr__(function, "environment", {"A": "file:a.txt", "B": "ssm:/b"})
    assert vars_document(function, 300)["default"]["environment"] == {"B": "ssm:/b"}
