"""What is built into a layer and is no function."""

from __future__ import annotations

import pytest

from tc.compose.compose import compose
from tc.load.load import locate
from tc.spec.layer import own_layer
from tc.spec.scope import Scope
from tc.spec.spec import Spec

from .conftest import HANDLER, Project

LIBRARY = '{"build": {"kind": "library"}}'
SCOPE = Scope("etl", "bob", "dev", "123456789012", "eu-west-1")


def loaded(project: Project, **files: str) -> Spec:
    found = project.write({"topology.yml": "name: etl\n", **files}).load()
    assert [p.message for p in locate(found.findings)] == []
    assert found.spec
    return found.spec


def test_a_library_is_no_function(project: Project) -> None:
    spec = loaded(
        project,
        **{
            "shared/function.json": LIBRARY,
            "shared/shared/__init__.py": "",
            "one/handler.py": HANDLER,
        },
    )
    assert list(spec.functions) == ["one"]
    assert list(spec.libraries) == ["shared"]
    topology = compose(spec, SCOPE).topology
    assert list(topology.functions) == ["one"]
    assert list(topology.libraries) == ["shared"]
    assert [role.name for role in topology.roles] == ["one"]


@pytest.mark.parametrize(
    ("kind", "file", "runtime"),
    [
        ("Library", "shared/__init__.py", "python3.13"),
        ("library", "thing.rb", "ruby3.4"),
        ("library", "index.mjs", "nodejs24.x"),
        ("layer", "requirements.txt", "python3.13"),
        ("layer", "Gemfile", "ruby3.4"),
        ("layer", "package.json", "nodejs24.x"),
        ("extension", "Cargo.toml", "provided.al2023"),
        ("extension", "extensions/watch", ""),
    ],
)
def test_its_language_is_inferred(project: Project, kind: str, file: str, runtime: str) -> None:
    files = {"it/function.json": f'{{"build": {{"kind": "{kind}"}}}}', f"it/{file}": "x"}
    assert loaded(project, **files).libraries["it"].runtime == runtime


def test_functions_list_it_by_its_name_or_its_layers(project: Project) -> None:
    listed = '{"runtime": {"layers": ["own", "shared", "etl-other:3"], "extensions": ["watch"]}}'
    spec = loaded(
        project,
        **{
            "shared/function.json": LIBRARY,
            "shared/a.py": "",
            "other/function.json": LIBRARY,
            "other/a.py": "",
            "watch/function.json": '{"build": {"kind": "extension"}}',
            "one/handler.py": HANDLER,
            "one/function.json": listed,
        },
    )
    one = spec.functions["one"]
    assert one.layers == ("own", "etl-shared", "etl-other:3", "etl-watch")
    assert one.extensions == ("etl-watch",)
    assert one.libraries == ("etl-shared", "etl-other:3", "etl-watch")


def test_the_layer_of_a_function_is_never_a_library(project: Project) -> None:
    """Its dependencies would be published over the library."""
    spec = loaded(
        project,
        **{
            "shared/function.json": '{"build": {"kind": "library"}, "runtime": {"layers": ["x"]}}',
            "shared/a.py": "",
            "one/handler.py": HANDLER,
            "one/function.json": '{"runtime": {"layers": ["shared"]}}',
        },
    )
    assert own_layer(spec.libraries["shared"], "etl") == "x"
    assert spec.functions["one"].layers == ("x",)
    assert own_layer(spec.functions["one"], "etl") == "etl-one"


def test_a_nested_function_lists_the_library_of_its_parent(project: Project) -> None:
    spec = loaded(
        project,
        **{
            "topology.yml": "name: etl\nrecursive: true\n",
            "shared/function.json": LIBRARY,
            "shared/a.py": "",
            "below/topology.yml": "name: below\n",
            "below/one/handler.py": HANDLER,
            "below/one/function.json": '{"runtime": {"layers": ["etl-shared"]}}',
        },
    )
    one = spec.nodes[0].functions["one"]
    assert one.libraries == ("etl-shared",)
    assert own_layer(one, "below") == "below-one"


def test_every_problem_is_told(project: Project) -> None:
    text = (
        "name: etl\nfunctions:\n  shared:\n    event: Done\n    fqn: x\n"
        "    build: { kind: library }\n"
        "    runtime: { memory: 256, layers: [a, b], handler: gone.handler }\n"
        "events: { Done: { function: shared } }\n"
    )
    project.write({"topology.yml": text, "shared/a.py": "", "shared/function.json": "{}"})
    assert project.problems() == [
        "topology.yml:4:5 both",
        "topology.yml:5:5 both",
        "topology.yml:7:16 both",
        "topology.yml:7:29 invalid-value",
    ]


def test_no_command_builds_a_library(project: Project) -> None:
    text = '{"build": {"kind": "library", "command": "make"},\n"tasks": {"build": "make"}}'
    project.write({"topology.yml": "name: etl\n", "it/function.json": text, "it/a.py": ""})
    assert project.problems() == ["it/function.json:1:31 both", "it/function.json:2:11 both"]


def test_nothing_can_be_handed_to_a_library(project: Project) -> None:
    text = "name: etl\nfunctions: { one: { function: shared } }\n"
    spec = loaded(
        project,
        **{
            "topology.yml": text,
            "one/handler.py": HANDLER,
            "shared/function.json": LIBRARY,
            "shared/a.py": "",
        },
    )
    assert [found.message for found in compose(spec, SCOPE).findings] == [
        "`shared` is no function: it is built as a library"
    ]


def test_a_library_without_a_language_is_told(project: Project) -> None:
    project.write({"topology.yml": "name: etl\n", "it/function.json": LIBRARY, "it/a.txt": ""})
    assert project.problems() == ["it/function.json:0:0 no-code"]


def test_overlays_of_a_library_are_told_unused(project: Project) -> None:
    found = project.write(
        {
            "topology.yml": "name: etl\n",
            "shared/function.json": LIBRARY,
            "shared/a.py": "",
            "infrastructure/tc/etl/vars/shared.json": '{"default": {"memory_size": 256}}',
            "infrastructure/tc/etl/roles/shared.json": '{"Statement": []}',
        }
    ).load()
    told = [(p.severity, p.code, p.message) for p in locate(found.findings)]
    said = ("warning", "unused-file", "`shared` is no function: `shared.json` is not read")
    assert told == [said, said]
    assert found.spec
    assert found.spec.libraries["shared"].memory == 128


@pytest.mark.parametrize(
    "build", ['"pre": ["make"]', '"post": ["make"]', '"command": "make"', '"kind": "code"']
)
def test_a_bundle_has_no_commands(project: Project, build: str) -> None:
    text = f'{{"build": {{"bundle": true, {build}}}, "tasks": {{}}}}'
    project.write({"topology.yml": "name: etl\n", "it/handler.ts": "", "it/function.json": text})
    assert project.problems() == ([] if "kind" in build else ["it/function.json:1:28 both"])
