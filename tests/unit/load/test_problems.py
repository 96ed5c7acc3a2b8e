"""Bad input: each problem at its line and column, with its code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tc.errors import Problem, UsageError
from tc.load.load import load, locate

from .conftest import HANDLER, SECTIONS, Files, Project

BASE = {"enhancer/handler.py": HANDLER}
TOPOLOGY = "topology.yml"
FUNCTION = "enhancer/function.json"

#: what it shows -> the topology, and its problems
TOPOLOGIES: dict[str, tuple[str, list[str]]] = {
    "unknown key of a route": (
        "name: etl\nroutes:\n  /a:\n    mehtod: POST\n    function: enhancer\n",
        ["4:5 unknown-key"],
    ),
    "unknown key at the top": ("name: etl\nroute: {}\n", ["2:1 unknown-key"]),
    "unknown key of a nested mapping": (
        "name: etl\nroutes:\n  /a: {function: enhancer, cors: {method: [GET]}}\n",
        ["3:35 unknown-key"],
    ),
    "wrong type": (
        "name: etl\nroutes:\n  /a: {function: enhancer, timeout: ten}\n",
        ["3:37 wrong-type"],
    ),
    "a list where text is expected": (
        "name: etl\nroutes:\n  /a:\n    function: [enhancer]\n",
        ["4:5 wrong-type"],
    ),
    "YAML 1.1 boolean": (
        "name: etl\nroutes:\n  /a: {function: enhancer, async: no}\n",
        ["3:35 wrong-type"],
    ),
    "a value that is not of the list": (
        "name: etl\nroutes:\n  /a: {function: enhancer, kind: htp}\n",
        ["3:34 invalid-value"],
    ),
    "an entry that is no mapping": ("name: etl\nroutes:\n  /a: enhancer\n", ["3:3 wrong-type"]),
    "a section that is no mapping": ("name: etl\nroutes: [a]\n", ["2:1 wrong-type"]),
    "no name": ("version: 0.0.1\n", ["1:1 missing-key"]),
    "a name with capitals": ("name: ETL\n", ["1:7 invalid-name"]),
    "a name that is a number": ("name: 12\n", ["1:7 wrong-type"]),
    "duplicate key": (
        "name: etl\nroutes:\n  /a: {function: enhancer}\n  /a: {function: enhancer}\n",
        ["4:3 duplicate-key"],
    ),
    "duplicate key at the top": ("name: etl\nname: other\n", ["2:1 duplicate-key"]),
    "tab": ("name: etl\nroutes:\n\t/a: {}\n", ["3:1 syntax"]),
    "bad indentation": ("name: etl\n routes: {}\n", ["2:8 syntax"]),
    "unclosed list": ("name: etl\ntags: [a\n", ["2:7 syntax"]),
    "unclosed quote": ("name: etl\nversion: '1\n", ["2:10 syntax"]),
    "control character": ("name: e\x01tl\n", ["1:8 syntax"]),
    "empty": ("", ["0:0 empty"]),
    "comments only": ("# nothing\n", ["0:0 empty"]),
    "null": ("---\n", ["0:0 empty"]),
    "a list": ("- name: etl\n", ["1:1 wrong-type"]),
    "text": ("name\n", ["1:1 wrong-type"]),
    "two documents": ("name: etl\n---\nname: b\n", ["2:1 several-documents"]),
    "unknown alias": ("name: *n\n", ["1:7 unknown-alias"]),
    "an alias in itself": ("name: etl\nx-a: &a [*a]\n", ["2:10 cycle"]),
    "a key that is a list": ("name: etl\n[a]: b\n", ["2:1 invalid-key"]),
    "unknown tag": ("name: etl\ntags: !Ref x\n", ["2:7 unknown-tag"]),
    "a key of a route that tc never takes": (
        "name: etl\nroutes: {/a: {function: enhancer, vertical: b}}\n",
        ["2:35 refused-key"],
    ),
    "keys that tc never takes": (
        (
            "name: etl\nhyphenated_names: true\nconcurrency: 5\n"
            "functions: {enhancer: {shared: true}}\n"
        ),
        ["2:1 refused-key", "3:1 refused-key", "4:24 refused-key"],
    ),
    "a name that only Python needs": (
        "name: etl\nroutes: {/a: {function: enhancer, async_: true}}\n",
        ["2:35 unknown-key"],
    ),
    "tags that are tc's and AWS's": (
        "name: etl\nfunctions: {enhancer: {tags: {'tc:functor': a@b, 'AWS:x': y, team: z}}}\n",
        ["2:31 invalid-value", "2:50 invalid-value"],
    ),
    "two ways to name a function": (
        "name: etl\nfunctions: {enhancer: {fqn: a, namespace: b}}\n",
        ["2:32 both"],
    ),
    "a namespace that is none": (
        "name: etl\nfunctions: {enhancer: {namespace: 'A b'}}\n",
        ["2:35 invalid-name"],
    ),
    "unknown key of an old event": (
        "name: etl\nevents: {consumes: {A: {sorce: x, function: enhancer}}}\n",
        ["2:25 unknown-key"],
    ),
    "unknown key of a produced event": (
        "name: etl\nevents:\n  produces: {A: {prodcer: x}}\n",
        ["3:18 unknown-key"],
    ),
    "unknown template": (
        "name: etl\nroutes: {/a: {proxy: '{{namespce}}_enhancer'}}\n",
        ["2:22 unknown-template"],
    ),
    "function without code": ("name: etl\nfunctions: {enhncer: {}}\n", ["2:13 no-code"]),
    "uri outside": (
        "name: etl\nfunctions: {other: {uri: ../..}}\n",
        ["2:26 outside-project"],
    ),
    "uri of git": (
        "name: etl\nfunctions: {other: {uri: 'git@github.com:a/b.git?tag=v1'}}\n",
        ["2:26 invalid-value"],
    ),
    "uri of nothing": ("name: etl\nfunctions: {other: {uri: nope}}\n", ["2:26 missing-file"]),
    "bad function name": (
        "name: etl\nfunctions: {'a b': {uri: enhancer}}\n",
        ["2:13 invalid-name"],
    ),
    "memory out of range": (
        "name: etl\nfunctions: {enhancer: {runtime: {memory: 64}}}\n",
        ["2:42 invalid-value"],
    ),
    "unknown language": (
        "name: etl\nfunctions: {enhancer: {runtime: {lang: python2.7}}}\n",
        ["2:40 unknown-language"],
    ),
    "missing handler": (
        "name: etl\nfunctions: {enhancer: {runtime: {handler: app.main}}}\n",
        ["2:43 no-code"],
    ),
    "image with layers": (
        "name: etl\nfunctions: {enhancer: {runtime: {package_type: image, layers: [a]}}}\n",
        ["2:55 both"],
    ),
    "secret value": (
        "name: etl\nfunctions: {enhancer: {runtime: {environment: {A: 'ssm:'}}}}\n",
        ["2:51 invalid-value"],
    ),
    "flow that is missing": ("name: etl\nflow: flow.yml\n", ["2:7 missing-file"]),
    "flow that is text": ("name: etl\nflow: enhance\n", ["2:7 invalid-value"]),
    "flow that is a list": ("name: etl\nflow: [a]\n", ["2:1 wrong-type"]),
    "flow and states": ("name: etl\nflow: {}\nstates: {}\n", ["3:1 duplicate-key"]),
    "include that is missing": ("name: etl\nflow: !include f.yml\n", ["2:7 missing-file"]),
    "include outside": ("name: etl\nflow: !include ../../x.yml\n", ["2:7 outside-project"]),
    "include of itself": ("name: etl\nflow: !include topology.yml\n", ["2:7 cycle"]),
    "missing directory of functions": (
        "name: etl\nfunction_dirs: [a]\n",
        ["2:17 missing-file"],
    ),
    "missing node": ("name: etl\nnodes: {dirs: [enhancer]}\n", ["2:16 missing-file"]),
    "several at once": (
        (
            "name: etl\nrotes: {}\nroutes:\n  /a: {methd: GET, function: enhancer, timeout: x}\n"
            "events:\n  A: {function: 5}\n"
        ),
        ["2:1 unknown-key", "4:8 unknown-key", "4:49 wrong-type", "6:17 wrong-type"],
    ),
}

#: what it shows -> files beside `name: etl`, and their problems
FILES: dict[str, tuple[Files, list[str]]] = {
    "bad JSON": ({FUNCTION: '{"name": "a",\n "tasks": }'}, [f"{FUNCTION}:2:11 syntax"]),
    "duplicate key in JSON": (
        {FUNCTION: '{\n  "name": "enhancer",\n  "name": "enhancer"\n}'},
        [f"{FUNCTION}:3:3 duplicate-key"],
    ),
    "NaN in JSON": ({FUNCTION: '{"name": NaN}'}, [f"{FUNCTION}:1:10 syntax"]),
    "empty JSON": ({FUNCTION: " \n"}, [f"{FUNCTION}:0:0 empty"]),
    "half a character": ({FUNCTION: '{"name": "\\ud800"}'}, [f"{FUNCTION}:1:11 encoding"]),
    "unknown key in JSON": (
        {FUNCTION: '{\n  "runtime": {\n    "handlr": "handler.handler"\n  }\n}'},
        [f"{FUNCTION}:3:5 unknown-key"],
    ),
    "two function files": (
        {FUNCTION: "{}", "enhancer/function.yml": "name: enhancer\n"},
        [f"{FUNCTION}:0:0 two-files"],
    ),
    "two functions of a name": (
        {"other/handler.py": HANDLER, "other/function.yml": "name: enhancer\n"},
        ["other/function.yml:1:7 duplicate-name"],
    ),
    "two languages": ({"enhancer/handler.rb": ""}, ["enhancer/handler.py:0:0 no-code"]),
    "function file alone": ({"b/function.json": "{}"}, ["b/function.json:0:0 no-code"]),
    "two topology files": ({"topology.json": "{}"}, [f"{TOPOLOGY}:0:0 two-files"]),
    "not UTF-8": ({FUNCTION: b'{"name": "\xff"}'}, [f"{FUNCTION}:0:0 encoding"]),
    "UTF-16": ({FUNCTION: "{}".encode("utf-16")}, [f"{FUNCTION}:0:0 encoding"]),
    "a topology and a function that are both wrong": (
        {TOPOLOGY: "name: [a\n", FUNCTION: '{"nam": "a"}'},
        [f"{FUNCTION}:1:2 unknown-key", f"{TOPOLOGY}:1:7 syntax"],
    ),
    "vars of no function": (
        {"infrastructure/tc/etl/vars/enhncer.json": "{}"},
        ["infrastructure/tc/etl/vars/enhncer.json:0:0 unused-file"],
    ),
    "a file beside the vars that a variable names": (
        {
            "infrastructure/tc/etl/vars/enhancer.json": (
                '{"default": {"environment": {"AA": "file:key.pem"}}}'
            ),
            "infrastructure/tc/etl/vars/key.pem": "",
            "infrastructure/tc/etl/vars/other.pem": "",
        },
        ["infrastructure/tc/etl/vars/other.pem:0:0 unused-file"],
    ),
    "tags in vars that are tc's": (
        {"infrastructure/tc/etl/vars/enhancer.json": '{"bob": {"tags": {"tc:code": "x"}}}'},
        ["infrastructure/tc/etl/vars/enhancer.json:1:19 invalid-value"],
    ),
    "vars without default": (
        {"infrastructure/tc/etl/vars/enhancer.json": '{"timeout": 10}'},
        ["infrastructure/tc/etl/vars/enhancer.json:1:2 wrong-type"],
    ),
    "unknown key of a network": (
        {"infrastructure/tc/etl/vars/enhancer.json": '{"default": {"network": {"subnet": []}}}'},
        ["infrastructure/tc/etl/vars/enhancer.json:1:26 unknown-key"],
    ),
    "policy without statement": (
        {"infrastructure/tc/etl/roles/enhancer.json": '{"Version": "2012-10-17"}'},
        ["infrastructure/tc/etl/roles/enhancer.json:1:1 missing-key"],
    ),
    "policy with half a statement": (
        {
            "infrastructure/tc/etl/roles/enhancer.json": '{"Statement": [\n'
            ' {"Effect": "Allow", "Action": "s3:Get*"},\n'
            ' {"Effect": "allow", "Action": "s3:*", "Resource": "*"}]}'
        },
        [
            "infrastructure/tc/etl/roles/enhancer.json:2:2 invalid-value",
            "infrastructure/tc/etl/roles/enhancer.json:3:13 invalid-value",
        ],
    ),
    "nested topology of the same name": (
        {TOPOLOGY: "name: etl\nrecursive: true\n", "sub/topology.yml": "name: etl\n"},
        ["sub/topology.yml:1:7 duplicate-name"],
    ),
    "a problem in an included file": (
        {
            TOPOLOGY: "name: etl\nroutes: !include routes.yml\n",
            "routes.yml": "/a:\n  function: enhancer\n  mehtod: GET\n",
        },
        ["routes.yml:3:3 unknown-key"],
    ),
    "a cycle of includes": (
        {
            TOPOLOGY: "name: etl\nflow: !include a.yml\n",
            "a.yml": "A: !include b.yml\n",
            "b.yml": "B: !include a.yml\n",
        },
        ["b.yml:1:4 cycle"],
    ),
    "a problem behind an alias": (
        {TOPOLOGY: "name: etl\nx-r: &r {mehtod: GET, function: enhancer}\nroutes:\n  /a: *r\n"},
        [f"{TOPOLOGY}:2:10 unknown-key"],
    ),
    "a problem behind a merge": (
        {
            TOPOLOGY: "name: etl\nx-r: &r {mehtod: GET}\n"
            "routes:\n  /a: {<<: *r, function: enhancer}\n"
        },
        [f"{TOPOLOGY}:2:10 unknown-key"],
    ),
    "a problem in the default route": (
        {TOPOLOGY: "name: etl\nroutes:\n  default: {mehtod: GET}\n  /a: {function: enhancer}\n"},
        [f"{TOPOLOGY}:3:13 unknown-key"],
    ),
}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_topology(project: Project, name: str) -> None:
    text, expected = TOPOLOGIES[name]
    project.write({**BASE, TOPOLOGY: text})
    assert project.problems() == [f"{TOPOLOGY}:{problem}" for problem in expected]


@pytest.mark.parametrize("name", FILES)
def test_files(project: Project, name: str) -> None:
    files, expected = FILES[name]
    project.write({**BASE, TOPOLOGY: "name: etl\n", **files})
    assert project.problems() == expected


def test_the_contracts_example(project: Project) -> None:
    project.write(
        {
            **BASE,
            "etl/topology.yml": "name: etl\n"
            + "#\n" * 10
            + "routes:\n  /api/etl:\n    mehtod: POST\n    proxy: none\n",
        }
    )
    assert locate(project.load("etl").findings) == [
        Problem(
            "unknown-key",
            "`mehtod` is not a key of a route",
            "etl/topology.yml",
            line=14,
            col=5,
            width=6,
            source="    mehtod: POST",
            hint="did you mean `method`?",
        )
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timeout: '10'", "`timeout` must be a whole number, not text (`10`) | write 10, without"),
        ("path: 1.10", '`path` must be text, not a number (1.10) | put it in quotes: "1.10"'),
        ("async: on", "`async` must be true or false, not text (`on`) | write true"),
        ("functions: a", "`functions` must be a list, not text (`a`) | write `- ` before it"),
        ("kind: htp", "`kind` must be `http` or `rest`, not text (`htp`) |"),
        ("cors: 5", "`cors` must be a mapping or true or false, not a number (5) |"),
        ("vertical: a", "tc takes no `vertical`: what a vertical is, is known to"),
        ("timeout:", ""),
        ("x-note: {any: thing}", ""),
    ],
)
def test_sentences(project: Project, text: str, message: str) -> None:
    project.write(
        {**BASE, TOPOLOGY: f"name: etl\nroutes:\n  /a:\n    function: enhancer\n    {text}"}
    )
    texts = project.texts()
    assert len(texts) == bool(message)
    assert "".join(texts).startswith(message)


@pytest.mark.parametrize("written", ['{"KEY": ["hunter2"]}', '"KEY=hunter2"'])
def test_values_of_variables_are_not_repeated(project: Project, written: str) -> None:
    files = {FUNCTION: f'{{"runtime": {{"environment": {written}}}}}'}
    project.write({**BASE, TOPOLOGY: "name: etl\n", **files})
    assert "hunter2" not in "".join(project.texts())
    assert [problem.split()[1] for problem in project.problems()] == ["wrong-type"]


def test_alias_bomb(project: Project) -> None:
    levels = "".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    project.write({**BASE, TOPOLOGY: f"name: etl\nx-bomb:\n  - &a0 lol\n{levels}"})
    assert [problem.split()[1] for problem in project.problems()] == ["too-large"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth(project: Project, opening: str) -> None:
    project.write({**BASE, TOPOLOGY: "x-a:\n  " + opening * 100_000})
    assert [problem.split()[1] for problem in project.problems()] == ["too-deep"]


def test_depth_of_json(project: Project) -> None:
    project.write({**BASE, TOPOLOGY: "name: etl\n", FUNCTION: "[" * 200_000})
    assert project.problems() == [f"{FUNCTION}:1:101 too-deep"]


def test_depth_through_includes(project: Project) -> None:
    deep = "[" * 60 + "{}" + "]" * 60
    project.write(
        {TOPOLOGY: f"name: etl\nx-a: {'[' * 60} !include a.yml {']' * 60}", "a.yml": deep}
    )
    assert project.problems() == [f"{TOPOLOGY}:0:0 too-deep"]


def test_a_bomb_of_includes(project: Project) -> None:
    files = {f"f{n}.yml": f"[!include f{n + 1}.yml, !include f{n + 1}.yml]" for n in range(30)}
    project.write({TOPOLOGY: "name: etl\nx-a: !include f0.yml", **files, "f30.yml": "1"})
    assert "too-large" in " ".join(project.problems())


def test_too_large(project: Project) -> None:
    project.write({TOPOLOGY: "name: etl\n" + "# filler\n" * 700_000})
    assert project.problems() == [f"{TOPOLOGY}:0:0 too-large"]
    assert project.texts() == ["is 6.0 MiB; at most 5 MiB are read | "]


def test_a_directory_of_that_name(project: Project) -> None:
    (project.root / TOPOLOGY).mkdir()
    assert project.texts() == ["is a directory, a file was expected | "]


def test_a_link_to_nowhere(project: Project) -> None:
    (project.root / TOPOLOGY).symlink_to("nowhere")
    assert project.problems() == [f"{TOPOLOGY}:0:0 unreadable"]


def test_a_pipe_of_that_name(project: Project) -> None:
    os.mkfifo(project.root / TOPOLOGY)
    assert project.texts() == ["is not a regular file | "]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable(project: Project) -> None:
    project.write({TOPOLOGY: "name: etl\n"})
    (project.root / TOPOLOGY).chmod(0)
    assert project.problems() == [f"{TOPOLOGY}:0:0 unreadable"]


def test_links_out_of_the_project(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "handler.py").write_text(HANDLER)
    (outside / "secret.yml").write_text("a: b\n")
    project.write({TOPOLOGY: "name: etl\nflow: !include inside.yml\n"})
    (project.root / "inside.yml").symlink_to(outside / "secret.yml")
    (project.root / "linked").symlink_to(outside)
    assert project.problems() == [
        "linked:0:0 outside-project",
        f"{TOPOLOGY}:2:7 outside-project",
    ]


def test_no_topology(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no topology here"):
        load(tmp_path, SECTIONS)
