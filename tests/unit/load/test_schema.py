"""The JSON Schemas say what the loader says: the same files are right, the same are wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import AliasChoices, ConfigDict, Field

from tc.components import sections
from tc.config import read_config
from tc.config.schema import schema as config_schema
from tc.errors import InvalidInput
from tc.load.load import load
from tc.load.reader import Reader
from tc.load.schema import function_schema, topology_schema, vars_schema
from tc.spec.base import Strict

ROOT = Path(__file__).parents[3]
TOPOLOGIES = sorted(
    file
    for place in ("topologies", "tests")
    for file in (ROOT / place).rglob("topology.yml")
    if ".venv" not in file.parts
)
FUNCTION_FILES = [
    file
    for topology in TOPOLOGIES
    for ending in ("json", "yml")
    for file in topology.parent.rglob(f"function.{ending}")
]
VARS = [file for place in ("topologies", "tests") for file in (ROOT / place).rglob("vars/*.json")]
HANDLER = "def handler(event, context):\n    return event\n"

GOOD = {
    "nothing but a name": "name: etl",
    "a version that is a number": "name: etl\nversion: 1.10",
    "tags as people write them": "name: etl\ntags: {team: data, cost: 12, on: true}",
    "the older name of infra": "name: etl\ninfra-dir: infra",
    "keys of one's own": "name: etl\nx-a: [1]\nroutes: {x-b: 1, /a: {function: a, x-c: {}}}",
    "a function of one's own key": "name: etl\nfunctions: {a: {runtime: {memory: 256, x-y: 1}}}",
    "empty entries": "name: etl\nfunctions: {a: }\nevents:\nroutes:",
    "what routes inherit": "name: etl\nroutes: {default: {timeout: 9}, /a: {function: a}}",
    "both spellings of a word of Python": "name: etl\nroutes: {/a: {function: a, async: true}}",
    "templates": "name: etl\nroutes: {/a: {proxy: '{{namespace}}_a_{{sandbox}}'}}",
    "a flow as a file": "name: etl\nflow: flow.yml",
    "a flow in place": "name: etl\nstates: {StartAt: a, States: {a: {Type: Succeed}}}",
    "older events": "name: etl\nevents: {consumes: {Start: {function: a}, x-d: 1}}",
    "older events, sent": "name: etl\nevents: {produces: {Done: {doc_only: true, consumer: b}}}",
    "older and newer events": "name: etl\nevents: {consumes: {A: {function: a}}, B: {function: a}}",
    "a pattern as text": 'name: etl\nevents: {A: {pattern: \'{"source": ["s"]}\', function: a}}',
    "tests": "name: etl\ntests: {a: {entity: functions/a, payload: {x-b: 1}, expect: null}, b: {}}",
    "a test of a function": "name: etl\nfunctions: {a: {test: {payload: {b: {}}, expect: 1}}}",
    "a test that only calls": "name: etl\nfunctions: {a: {test: {}}}",
    "tests of a function": "name: etl\nfunctions: {a: {test: {b: {payload: 1}, c: {}}}}",
    "hooks": "name: etl\nhooks: {pre: [{command: make, dir: a, on_failure: continue}], post: []}",
}
BAD = {
    "no name": "version: 1.0.0",
    "a name with a capital": "name: Etl",
    "a name of another type": "name: [etl]",
    "a key that isn't one": "name: etl\nrotues: {}",
    "a key of a route": "name: etl\nroutes: {/a: {mehtod: GET, function: a}}",
    "a key of what routes inherit": "name: etl\nroutes: {default: {tiemout: 9}, /a: {function: a}}",
    "a value outside its bounds": "name: etl\nroutes: {/a: {function: a, timeout: 31}}",
    "a value that isn't one of those": "name: etl\nroutes: {/a: {function: a, method: FETCH}}",
    "text for a number": "name: etl\nroutes: {/a: {function: a, timeout: '9'}}",
    "text for a truth value": "name: etl\nrecursive: 'yes'",
    "a section as a list": "name: etl\nroutes: [a]",
    "an entry as text": "name: etl\nroutes: {/a: a}",
    "a key of an older event": "name: etl\nevents: {consumes: {Start: {fuction: a}}}",
    "older events as a list": "name: etl\nevents: {consumes: [a]}",
    "a key deep inside": "name: etl\nfunctions: {a: {runtime: {memroy: 256}}}",
    "a function that can't be called so": "name: etl\nfunctions: {'a b': {uri: a}}",
    "a tag that is a mapping": "name: etl\ntags: {team: {a: b}}",
    "a flow as a list": "name: etl\nflow: [a]",
    "a hook without a command": "name: etl\nhooks: {pre: [{dir: a}]}",
    "a hook with an empty command": "name: etl\nhooks: {pre: [{command: ''}]}",
    "a key of a test": "name: etl\ntests: {a: {entity: functions/a, expct: 1}}",
    "a key of a test of a function": "name: etl\nfunctions: {a: {test: {payload: 1, expct: 1}}}",
    "a key of one test of many": "name: etl\nfunctions: {a: {test: {b: {expct: 1}}}}",
    "a test with too little time": "name: etl\nfunctions: {a: {test: {b: {within: 0}}}}",
    "hooks at another time": "name: etl\nhooks: {during: []}",
    "another way to fail": "name: etl\nhooks: {post: [{command: a, on_failure: ignore}]}",
}
CONFIGS = {
    "": True,
    "x-a: 1\nenvs: {dev: {profile: p, x-b: 1}, ci: {account: '012345678901', role: }}": True,
    "envs: {dev: {account: 123456789012}}\ndefault_env: dev\ntags: {team: 7}": True,
    "envs: {dev: {region: eu-west-1}}": False,
    "envs: {dev: {profile: p, region: Ireland}}": False,
    "envs: {dev: {profile: p, acount: '012345678901'}}": False,
    "envs: {local: {profile: p}}": False,
    "tags: {'AWS:x': y}": False,
    "default_env: [dev]": False,
    "env: {}": False,
}


def errors(schema: dict[str, Any], data: Any) -> list[str]:
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema).iter_errors(data)
    return [f"{error.json_path}: {error.message}" for error in found]


def read(file: Path) -> Any:
    return Reader(ROOT).read(file)


def loaded_and_marked(directory: Path, text: str) -> tuple[list[str], list[str]]:
    """What the loader and what the schema has against a topology."""
    (directory / ".git").mkdir()
    (directory / "infra").mkdir()
    flow = {"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}
    files = {"topology.yml": text, "a/handler.py": HANDLER, "flow.yml": json.dumps(flow)}
    for name, content in files.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(content)
    found = load(directory, sections()).findings
    told = [finding.message for finding in found if finding.severity == "error"]
    data = Reader(directory).read(directory / "topology.yml")
    return told, errors(topology_schema(sections()), data)


@pytest.mark.parametrize("file", TOPOLOGIES, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_topology_here_is_right(file: Path) -> None:
    assert errors(topology_schema(sections()), read(file)) == []


@pytest.mark.parametrize("file", FUNCTION_FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_function_file_here_is_right(file: Path) -> None:
    assert errors(function_schema(), read(file)) == []


@pytest.mark.parametrize("file", VARS, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_vars_file_here_is_right(file: Path) -> None:
    assert errors(vars_schema(), read(file)) == []


def test_there_are_files_to_try() -> None:
    assert len(TOPOLOGIES) > 10
    assert len(FUNCTION_FILES) > 5
    assert VARS


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_loads_is_not_marked(text: str, tmp_path: Path) -> None:
    assert loaded_and_marked(tmp_path, text) == ([], [])


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_wrong_is_marked(text: str, tmp_path: Path) -> None:
    told, marked = loaded_and_marked(tmp_path, text)
    assert told != []
    assert marked != []


@pytest.mark.parametrize(
    ("data", "right"),
    [
        ({"name": "a", "runtime": {"environment": {"N": 1, "S": "s"}}, "tags": {"n": 1}}, True),
        ({"x-a": 1, "tasks": {"build": "make"}}, True),
        ({"runtime": {"memory": 64}}, False),
        ({"tasks": "make"}, False),
        ({"tags": {"tc:functor": "a@b"}}, False),
        ({"uri": "a"}, False),
    ],
)
def test_a_function_file(data: Any, right: bool) -> None:
    assert (errors(function_schema(), data) == []) == right


@pytest.mark.parametrize(
    ("data", "right"),
    [
        ({"default": {"memory_size": 256, "environment": {"N": 1}}, "dev": {}, "x-a": 1}, True),
        ({"memory_size": 256}, False),
        ({"default": {"memory": 256}}, False),
    ],
)
def test_a_vars_file(data: Any, right: bool) -> None:
    assert (errors(vars_schema(), data) == []) == right


@pytest.mark.parametrize(("text", "right"), CONFIGS.items())
def test_settings(text: str, right: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    monkeypatch.setenv("TC_CONFIG_PATH", str(file))
    assert (errors(config_schema(), yaml.safe_load(text)) == []) == right
    if right:
        read_config(tmp_path)
    else:
        with pytest.raises(InvalidInput):
            read_config(tmp_path)


class Part(Strict):
    size: int = Field(validation_alias=AliasChoices("size", "Size"), description="how large")


class NewModel(Strict):
    """`news.X`: a kind that nobody has thought of."""

    model_config = ConfigDict(populate_by_name=False)

    parts: list[Part] = Field([], description="its parts")
    in_: str | None = Field(None, alias="in")


def test_a_new_kind_needs_nothing_but_its_model() -> None:
    schema = topology_schema({"news": NewModel})
    assert schema["properties"]["news"]["description"].startswith("`news.X`")
    for entry, right in [
        ({"parts": [{"size": 1}, {"Size": 2}], "in": "a"}, True),
        ({"parts": [{}]}, False),
        ({"parts": [{"size": 1, "weight": 2}]}, False),
        ({"in_": "a"}, False),
    ]:
        found = errors(schema, {"name": "etl", "news": {"a": entry}})
        assert (found == []) == right, entry
    assert errors(topology_schema({}), {"name": "etl", "news": {}}) != []


def test_no_key_is_a_name_that_only_python_needs() -> None:
    """A model with `async_` for `async` isn't populated by name."""
    whole = str([topology_schema(sections()), function_schema(), vars_schema()])
    assert "'async'" in whole
    assert re.findall(r"'\w+_': \{", whole) == []


def test_every_key_is_described() -> None:
    schema = topology_schema(sections())
    mappings = {"topology.yml": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, mapping in mappings.items()
        for key, value in mapping["properties"].items()
        if not value.get("description")
    ]
    assert silent == []
