"""Good input: what the stages after this one get."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tc.load.load import load, locate
from tc.spec.finding import Address
from tc.spec.function import Function
from tc.spec.spec import Spec

from .conftest import HANDLER, SECTIONS, EventModel, Project, RouteModel

BASE = {"topology.yml": "name: etl\n", "enhancer/handler.py": HANDLER}

#: the example that tc was asked for, as it stands there
SEED = """\
name: etl
routes:
  etl:
    gateway: api-test
    proxy: '{{namespace}}_enhancer_{{sandbox}}'
    kind: http
    timeout: 10
    async: false
    method: POST
    path: "/api/etl"
events:
  consumes:
    StartETL:
      producer: default
      function: '{{namespace}}_enhancer_{{sandbox}}'
flow:
  Comment: ETL
  StartAt: enhance
  TimeoutSeconds: 1200
  States:
    enhance:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      OutputPath: $.Payload
      InputPath: $
      Parameters:
        FunctionName: '{{namespace}}_enhancer_{{sandbox}}'
        Payload:
          data.$: $
      End: true
"""
SEED_FUNCTION = {
    "name": "enhancer",
    "description": "enhance wer data",
    "runtime": {
        "lang": "python3.10",
        "package_type": "zip",
        "handler": "handler.handler",
        "layers": ["etl-enhancer"],
        "extensions": [],
    },
    "assets": {"MODEL_PATH": "/mnt/assets/etl/transformer/1.0/artifacts"},
    "tasks": {"build": "zip lambda.zip handler.py", "clean": "rm *.zip"},
}


def good(project: Project, directory: str = ".") -> Spec:
    loaded = project.load(directory)
    assert locate(loaded.findings) == []
    assert loaded.spec is not None
    return loaded.spec


def one(project: Project, name: str = "enhancer") -> Function:
    return good(project).functions[name]


def test_the_seed(project: Project) -> None:
    loader = {"name": "loader", "runtime": {"lang": "ruby3.2", "handler": "handler.handler"}}
    project.write(
        {
            "etl/topology.yml": SEED,
            "etl/enhancer/handler.py": HANDLER,
            "etl/enhancer/function.json": json.dumps(SEED_FUNCTION),
            "etl/loader/handler.rb": "def handler(event:, context:) = event\n",
            "etl/loader/function.json": json.dumps(loader),
        }
    )
    spec = good(project, "etl")
    file = project.root / "etl/topology.yml"
    assert (spec.name, spec.dir, list(spec.functions)) == (
        "etl",
        project.root / "etl",
        ["enhancer", "loader"],
    )
    enhancer = spec.functions["enhancer"]
    assert (enhancer.runtime, enhancer.handler) == ("python3.10", "handler.handler")
    assert enhancer.layers == ("etl-enhancer",)
    assert enhancer.tasks["build"] == "zip lambda.zip handler.py"
    assert spec.functions["loader"].runtime == "ruby3.2"
    route = spec.sections["routes"]["etl"]
    assert isinstance(route, RouteModel)
    assert (route.timeout, route.proxy) == (10, "{{namespace}}_enhancer_{{sandbox}}")
    event = spec.sections["events"]["StartETL"]
    assert isinstance(event, EventModel)
    assert event.producer == "default"
    assert spec.addresses[("events", "StartETL")] == Address(
        file, ("events", "consumes", "StartETL")
    )
    assert spec.flow is not None
    assert spec.flow.definition["TimeoutSeconds"] == 1200
    assert spec.flow.address == Address(file, ("flow",))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"enhancer/handler.py": ""}, ("python3.13", "handler.handler")),
        ({"f/handler.rb": ""}, ("ruby3.4", "handler.handler")),
        ({"f/handler.js": ""}, ("nodejs24.x", "handler.handler")),
        ({"f/handler.mjs": ""}, ("nodejs24.x", "handler.handler")),
        ({"f/main.go": ""}, ("provided.al2023", "bootstrap")),
        ({"f/Cargo.toml": ""}, ("provided.al2023", "bootstrap")),
        ({"f/handler.clj": ""}, ("java21", "handler")),
        (
            {"f/handler.py": "", "f/function.yml": "runtime: {lang: node22}\ntasks: {build: x}\n"},
            ("nodejs22.x", "handler.handler"),
        ),
        (
            {
                "f/src/app.py": "",
                "f/function.yml": "runtime: {lang: python3.12, handler: src.app.go}",
            },
            ("python3.12", "src.app.go"),
        ),
        (
            {"f/app.rb": "", "f/function.yml": "runtime: {lang: ruby3.3, handler: 'app.A::B.go'}"},
            ("ruby3.3", "app.A::B.go"),
        ),
    ],
)
def test_inference(project: Project, files: dict[str, str], expected: tuple[str, str]) -> None:
    project.write({"topology.yml": "name: etl\n", **files})
    function = one(project, next(iter(files)).split("/")[0])
    assert (function.runtime, function.handler) == expected


def test_defaults(project: Project) -> None:
    function = one(project.write(BASE))
    assert (function.memory, function.timeout, function.arch) == (128, None, "x86_64")


def test_the_topology_wins_key_by_key(project: Project) -> None:
    project.write(
        {
            **BASE,
            "topology.yml": "name: etl\nfunctions:\n  enhancer:\n    function: loader\n"
            "    runtime: {memory: 512, environment: {B: 2, VERSION: 1.10}}\n"
            "    tasks: {test: pytest}\n  loader: {uri: lib/load}\n",
            "lib/load/handler.py": HANDLER,
            "enhancer/function.json": json.dumps(
                {
                    "runtime": {
                        "memory_size": 256,
                        "timeout": 7,
                        "environment": {"A": True, "B": "b"},
                    },
                    "tasks": {"build": "make"},
                }
            ),
        }
    )
    spec = good(project)
    function = spec.functions["enhancer"]
    assert (function.memory, function.timeout) == (512, 7)
    assert function.environment == {"A": "true", "B": "2", "VERSION": "1.10"}
    assert function.tasks == {"build": "make", "test": "pytest"}
    assert function.targets == (("function", "loader"),)
    assert function.target_address == Address(spec.address.file, ("functions", "enhancer"))
    assert spec.functions["loader"].dir == project.root / "lib/load"


def test_a_declared_name_wins(project: Project) -> None:
    project.write({**BASE, "enhancer/function.json": '{"name": "enrich"}'})
    assert list(good(project).functions) == ["enrich"]


def test_what_is_no_function(project: Project) -> None:
    project.write(
        {
            **BASE,
            ".hidden/handler.py": HANDLER,
            "ignored/handler.py": HANDLER,
            "nested/topology.yml": "name: nested\n",
            "nested/handler.py": HANDLER,
            "docs/readme.md": "",
            "deep/er/handler.py": HANDLER,
            ".tcignore": "# not these\nignored/\n/enhancer/tests\n/other/x\n*.bak\n",
            "enhancer/.tcignore": "fixtures/\n",
        }
    )
    spec = good(project)
    assert list(spec.functions) == ["enhancer"]
    assert set(spec.functions["enhancer"].ignore) == {"ignored/", "/tests", "*.bak", "fixtures/"}


def test_function_dirs(project: Project) -> None:
    files = {"topology.yml": "name: etl\nfunction_dirs: [lib]\n", "lib/a/handler.py": HANDLER}
    assert list(good(project.write({**BASE, **files})).functions) == ["enhancer", "a"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("012345678901", "012345678901"),
        ("2024-01-15", "2024-01-15"),
        ("1.10", "1.10"),
        ("0.0.1", "0.0.1"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("12:30:45", "12:30:45"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", "true"),
        ("1e3", "1e3"),
        ("1_000", "1_000"),
        ("'5'", "5"),
        (".inf", ".inf"),
        ("!!str 7", "7"),
    ],
)
def test_variables_stay_what_was_written(project: Project, written: str, read: str) -> None:
    text = f"name: etl\nfunctions: {{enhancer: {{runtime: {{environment: {{A: {written}}}}}}}}}\n"
    project.write({**BASE, "topology.yml": text})
    assert one(project).environment == {"A": read}


def test_scalars_of_the_core_schema(project: Project) -> None:
    text = (
        "name: etl\nflow: {a: 5, b: -1.5, c: ~, d: True, e: 0x1F, f: no, g: 1e3, h: 007, i: ''}\n"
    )
    flow = good(project.write({**BASE, "topology.yml": text})).flow
    assert flow is not None
    assert flow.definition == {
        "a": 5, "b": -1.5, "c": None, "d": True, "e": 31, "f": "no", "g": 1000.0, "h": "007",
        "i": "",
    }  # fmt: skip


def test_what_leaves_is_plain(project: Project) -> None:
    text = (
        "name: etl\nflow: {a: [1.50, 0x10]}\n"
        "events: {A: {function: enhancer, pattern: {b: [1.50]}}}\n"
    )
    spec = good(project.write({**BASE, "topology.yml": text}))
    event = spec.sections["events"]["A"]
    assert spec.flow is not None
    assert isinstance(event, EventModel)
    assert yaml.safe_dump([spec.flow.definition, event.pattern]) == (
        "- a:\n  - 1.5\n  - 16\n- b:\n  - 1.5\n"
    )


def test_version_stays_what_was_written(project: Project) -> None:
    assert good(project.write({**BASE, "topology.yml": "name: etl\nversion: 1.10\n"})).version == (
        "1.10"
    )


def test_macros(project: Project) -> None:
    project.write(
        {
            **BASE,
            "topology.yml": "name: etl\nflow: !include parts/flow.yml\n"
            "functions: {enhancer: {description: !read a.txt b.txt}}\n",
            "parts/flow.yml": "States: !include states.json\n",
            "parts/states.json": '{"a": {"Type": "Pass"}}',
            "a.txt": "one\n",
            "b.txt": "two\n",
        }
    )
    spec = good(project)
    assert spec.flow is not None
    assert spec.flow.definition == {"States": {"a": {"Type": "Pass"}}}
    assert spec.functions["enhancer"].description == "one\ntwo\n"


def test_aliases_and_merges(project: Project) -> None:
    text = (
        "name: etl\nx-a: &a {method: GET, timeout: 5}\nroutes:\n"
        "  /a: {<<: *a, timeout: 7, function: enhancer}\n  /b: *a\n"
    )
    routes = good(project.write({**BASE, "topology.yml": text})).sections["routes"]
    assert [(r.method, r.timeout) for r in routes.values() if isinstance(r, RouteModel)] == [
        ("GET", 7),
        ("GET", 5),
    ]


def test_the_default_route(project: Project) -> None:
    text = (
        "name: etl\nroutes:\n  default: {method: GET, timeout: 9, function: enhancer}\n"
        "  /a: {timeout: 5}\n  /b: {state: x}\n"
    )
    routes = good(project.write({**BASE, "topology.yml": text})).sections["routes"]
    assert list(routes) == ["/a", "/b"]
    a, b = routes.values()
    assert isinstance(a, RouteModel)
    assert isinstance(b, RouteModel)
    assert (a.method, a.timeout, a.function) == ("GET", 5, "enhancer")
    assert (b.method, b.timeout, b.targets()) == ("GET", 9, [("flow", "x")])


def test_both_generations_of_events(project: Project) -> None:
    text = (
        "name: etl\nevents:\n  consumes: {A: {function: enhancer}}\n"
        "  produces: {C: {producer: x}}\n  B: {function: enhancer}\n"
    )
    events = good(project.write({**BASE, "topology.yml": text})).sections["events"]
    assert list(events) == ["A", "C", "B"]


def test_a_flow_in_a_file(project: Project) -> None:
    project.write({**BASE, "topology.yml": "name: etl\nstates: flow.json\n", "flow.json": "{}"})
    flow = good(project).flow
    assert flow is not None
    assert flow.address == Address(project.root / "flow.json")


def test_overlays(project: Project) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": ["*"],
                      "Condition": {"StringEquals": {"aws:x": "y"}}},
        "inherit": False,
    }  # fmt: skip
    values = {
        "default": {"memory_size": 256, "environment": {"N": 1}},
        "dev": {"timeout": 5, "tags": {"team": "a"}},
    }
    files = {
        "infrastructure/tc/etl/vars/enhancer.json": json.dumps(values),
        "infrastructure/tc/etl/roles/enhancer.json": json.dumps(policy),
    }
    function = one(project.write({**BASE, **files}))
    assert function.policy == policy
    assert function.vars == {
        "default": {"memory_size": 256, "environment": {"N": "1"}},
        "dev": {"timeout": 5, "tags": {"team": "a"}},
    }


@pytest.mark.parametrize("base", ["ops", "ops/etl"])
def test_infra_names_the_overlays_directory(project: Project, base: str) -> None:
    files = {"topology.yml": "name: etl\ninfra: ops\n",
             f"{base}/vars/enhancer.json": '{"default": {"timeout": 5}}'}  # fmt: skip
    assert one(project.write({**BASE, **files})).vars == {"default": {"timeout": 5}}


def test_nested_topologies(project: Project) -> None:
    names = {"a": "a", "a/deep": "b", "c": "c", "skipped": "d"}
    project.write({f"{path}/topology.yml": f"name: {name}\n" for path, name in names.items()})
    project.write({**BASE, "topology.yml": "name: etl\nnodes: {ignore: [skipped]}\n"})
    (project.root / "c/loop").symlink_to(project.root)
    assert [spec.name for spec in good(project).family()] == ["etl", "a", "c", "b"]


def test_nodes_of_nodes(project: Project) -> None:
    project.write(
        {
            "topology.yml": "name: etl\nrecursive: true\n",
            "a/topology.yml": "name: a\nrecursive: true\n",
            "a/b/topology.yml": "name: b\nnodes: {dirs: [..]}\n",
            "node_modules/c/topology.yml": "name: c\n",
        }
    )
    spec = good(project)
    assert [node.name for node in spec.nodes] == ["a"]
    assert [node.name for node in spec.nodes[0].nodes] == ["b"]


def test_what_cannot_be_used_is_broken_and_the_rest_is_kept(project: Project) -> None:
    text = (
        "name: etl\nroutes:\n  /a: {function: 5}\n  /b: {function: enhancer, timeout: x}\n"
        "  /c: {functoin: enhancer}\nfunctions: {gone: {}}\n"
    )
    loaded = project.write({**BASE, "topology.yml": text}).load()
    assert loaded.spec is not None
    assert loaded.spec.broken == {("routes", "/a"), ("routes", "/c"), ("functions", "gone")}
    assert list(loaded.spec.sections["routes"]) == ["/b"]
    assert list(loaded.spec.functions) == ["enhancer"]


def test_users_own_keys(project: Project) -> None:
    text = (
        "name: etl\nx-a: 1\nroutes: {x-b: 2, /a: {x-c: 3, function: enhancer}}\n"
        "functions: {enhancer: {runtime: {x-d: '{{sandbox}}'}}}\n"
    )
    assert list(good(project.write({**BASE, "topology.yml": text})).sections["routes"]) == ["/a"]


def test_jsonata_and_literal_braces_pass(project: Project) -> None:
    text = "name: etl\nflow: {a: '{% {\"x\": {{y}}} %}', b: '{{{{ literal', c: '{{ region }}'}\n"
    good(project.write({**BASE, "topology.yml": text}))


def test_a_byte_order_mark_is_no_character(project: Project) -> None:
    project.write({**BASE, "topology.yml": b"\xef\xbb\xbfname: etl\nrotes: {}\r\n"})
    assert project.problems() == ["topology.yml:2:1 unknown-key"]


def test_a_hundred_functions_are_quick(project: Project) -> None:
    names = [f"f{n}" for n in range(100)]
    files = {f"{n}/function.json": json.dumps({**SEED_FUNCTION, "name": n}) for n in names}
    entries = "".join(f"  {n}: {{function: {m}}}\n" for n, m in pairwise(names))
    project.write({**files, **{f"{n}/handler.py": HANDLER for n in names}})
    project.write({"topology.yml": f"name: etl\nfunctions:\n{entries}"})
    good(project)
    start = time.process_time()
    good(project)
    assert time.process_time() - start < 0.15


_WORDS = """
    name routes events functions flow states nodes recursive infra tags version consumes
    function_dirs produces default runtime environment uri lang handler dirs root x-a <<
"""
_KEYS = st.sampled_from(_WORDS.split())
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["{{x}}", "..", ".", "a\0b", "x" * 5000, "enhancer", "python3.13"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=25,
)
_quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _never_raises(project: Project, files: dict[str, Any]) -> None:
    project.write(files)
    for problem in locate(load(project.root, SECTIONS).findings):
        assert problem.message
        assert re.fullmatch(r"[a-z-]+", problem.code)


@_quick
@given(data=st.dictionaries(_KEYS, _VALUES, max_size=6))
def test_any_data(project: Project, data: dict[str, Any]) -> None:
    text = json.dumps(data, allow_nan=True).encode()
    _never_raises(project, {**BASE, "topology.yml": text, "enhancer/function.json": text})


@_quick
@given(text=st.text(alphabet="ab:-[]{}&*!#|>'\"\\%@`\n\t ,?<é\u2028\x00~01.", max_size=60))
def test_any_text(project: Project, text: str) -> None:
    raw = text.encode()
    _never_raises(project, {**BASE, "topology.yml": raw, "enhancer/function.json": raw})


@_quick
@given(raw=st.binary(max_size=40))
def test_any_bytes(project: Project, raw: bytes) -> None:
    files = {"topology.yml": raw, "enhancer/function.yml": raw, "enhancer/.tcignore": raw}
    _never_raises(project, {"enhancer/handler.py": HANDLER, **files})


def test_paths_below_the_current_directory_only(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.write({"topology.yml": "nam: etl\n"})
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    found = locate(load(project.root, SECTIONS).findings)
    assert {problem.file for problem in found} == {str(Path(project.root) / "topology.yml")}
