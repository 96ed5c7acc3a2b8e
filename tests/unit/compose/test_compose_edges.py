"""Names in both grammars, edges, modes, timeouts, overlays."""

from __future__ import annotations

import json

import pytest
from composing import Directory, codes

from tc.compose.asl.check import check

INVOKE = "arn:aws:states:::lambda:invoke"


def edges(directory: Directory) -> list[str]:
    return [
        f"{'/'.join(edge.source)} -> {'/'.join(edge.target)} {edge.how}"
        for edge in directory.topology().edges
    ]


@pytest.mark.parametrize("name", ["one", "'{{namespace}}_one_{{sandbox}}'"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("routes: {/a: {function: %s}}", ["route//a -> function/one sync"]),
        ("routes: {/a: {proxy: %s}}", ["route//a -> function/one sync"]),
        ("routes: {/a: {function: %s, async: true}}", ["route//a -> function/one async"]),
        ("routes: {/a: {function: %s, doc_only: true}}", ["route//a -> function/one async"]),
        ("events: {E: {function: %s}}", ["event/E -> function/one async"]),
        ("events: {consumes: {E: {function: %s}}}", ["event/E -> function/one async"]),
        (
            "events: {E: {functions: [%s, two]}}",
            ["event/E -> function/one async", "event/E -> function/two async"],
        ),
        (
            "functions: {two: {function: %s}}",
            ["flow/two -> function/two sync", "flow/two -> function/one sync"],
        ),
    ],
)
def test_a_bare_name_and_a_full_one_are_the_same_edge(
    directory: Directory, text: str, name: str, expected: list[str]
) -> None:
    directory.write("name: etl\n" + text % name, "one two")
    assert edges(directory) == expected


def test_a_full_name_is_uncut_or_as_it_is_on_aws(directory: Directory) -> None:
    long = "n" * 70
    cut = directory.write("name: etl\n", long).topology().function_name(long)
    for name in (f"'{{{{namespace}}}}_{long}_{{{{sandbox}}}}'", f"etl_{long}_bob", cut):
        directory.write(f"name: etl\nroutes: {{/a: {{proxy: {name}}}}}\n")
        assert edges(directory) == [f"route//a -> function/{long} sync"]


@pytest.mark.parametrize("state", ["etl", "flow", "'{{namespace}}_{{sandbox}}'"])
def test_the_written_flow_has_three_names(directory: Directory, state: str) -> None:
    flow = "flow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
    directory.write(f"name: etl\n{flow}events: {{E: {{state: {state}}}}}\n")
    assert edges(directory) == ["event/E -> flow/etl async"]


@pytest.mark.parametrize("state", ["one", "'{{namespace}}_one_{{sandbox}}'"])
def test_a_generated_flow_is_named_by_its_head(directory: Directory, state: str) -> None:
    text = f"name: etl\nfunctions: {{one: {{function: two}}}}\nevents: {{E: {{state: {state}}}}}\n"
    assert edges(directory.write(text, "one two"))[0] == "event/E -> flow/one async"


def test_whatever_targets_a_head_starts_its_flow(directory: Directory) -> None:
    text = "name: etl\nfunctions: {one: {function: two}}\n"
    text += "routes: {/a: {function: one}, /b: {function: two}}\n"
    topology = directory.write(text, "one two").topology()
    assert topology.entries["routes"]["/a"].targets == (("flow", "one"),)
    assert topology.entries["routes"]["/b"].targets == (("function", "two"),)
    assert topology.flows["one"].full_name == "etl_one_bob"
    assert topology.flows["one"].sync


def test_the_edges_of_a_written_flow_are_those_of_its_tasks(directory: Directory) -> None:
    states = {
        "direct": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:{{region}}:{{account}}:function:etl_one_bob",
            "Next": "call",
        },
        "call": {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": "{{namespace}}_two_{{sandbox}}:$LATEST"},
            "Next": "other",
        },
        "other": {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": "elsewhere_one_bob"},
            "End": True,
        },
    }
    flow = json.dumps({"StartAt": "direct", "States": states})
    directory.write(f"name: etl\nflow: {flow}\n", "one two")
    assert edges(directory) == ["flow/etl -> function/one sync", "flow/etl -> function/two sync"]


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("routes: {/a: {function: on}}", "unknown-name", "did you mean `one`?"),
        ("routes: {/a: {state: x}}", "unknown-name", "the topology has no flows"),
        ("routes: {/a: {event: Q}}", "unknown-name", "there are: E"),
        ("events: {F: {function: zzz}}", "unknown-name", "there are: one, two"),
        ("functions: {one: {function: tow}}", "unknown-name", "did you mean `two`?"),
        ("routes: {/a: {proxy: '{{namespace}}_one_alice'}}", "unknown-name", "`one`"),
    ],
)
def test_a_name_of_nothing_is_told_with_a_way_out(
    directory: Directory, text: str, code: str, hint: str
) -> None:
    events = "" if text.startswith("events") else "events: {E: {function: one}}\n"
    (finding,) = directory.write(f"name: etl\n{events}{text}\n", "one two").findings()
    assert finding.code == code
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("name", "code"), [("one", "bare-name"), ("{{namespace}}_oen_{{sandbox}}", "unknown-name")]
)
def test_a_task_must_name_a_function_as_aws_does(
    directory: Directory, name: str, code: str
) -> None:
    task = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": name}, "End": True}
    flow = json.dumps({"StartAt": "s", "States": {"s": task}})
    (finding,) = directory.write(f"name: etl\nflow: {flow}\n", "one").findings()
    assert finding.code == code
    assert "one" in finding.hint
    assert finding.address.path == ("flow", "States", "s", "Parameters", "FunctionName")


MODES = [
    # topology's mode, route, what the chain's flow becomes
    ("", "routes: {/a: {function: one}}", "Express", []),
    ("", "routes: {/a: {function: one, async: true}}", "Standard", []),
    ("", "events: {E: {function: one}}", "Standard", []),
    ("", "routes: {/a: {function: one, doc_only: true}}", "Standard", []),
    ("mode: Express\n", "events: {E: {function: one}}", "Express", []),
    ("mode: Standard\n", "routes: {/a: {function: one}}", "Standard", ["sync-standard"]),
]


@pytest.mark.parametrize(("mode", "entry", "expected", "wrong"), MODES)
def test_the_mode_of_a_generated_flow(
    directory: Directory, mode: str, entry: str, expected: str, wrong: list[str]
) -> None:
    directory.write(f"name: etl\n{mode}functions: {{one: {{function: two}}}}\n{entry}\n", "one two")
    assert directory.composed().topology.flows["one"].mode == expected
    assert codes(directory.findings()) == wrong


@pytest.mark.parametrize(
    ("mode", "asynchronous", "expected", "wrong"),
    [
        ("", "true", "Standard", []),
        ("", "false", "Standard", ["sync-standard"]),
        ("mode: Express\n", "false", "Express", []),
    ],
)
def test_the_mode_of_a_written_flow(
    directory: Directory, mode: str, asynchronous: str, expected: str, wrong: list[str]
) -> None:
    text = f"name: etl\n{mode}flow: {{StartAt: s, States: {{s: {{Type: Succeed}}}}}}\n"
    text += f"routes: {{/a: {{state: etl, async: {asynchronous}}}}}\n"
    assert codes(directory.write(text).findings()) == wrong
    assert directory.composed().topology.flows["etl"].mode == expected


def timeouts(directory: Directory) -> dict[str, int | None]:
    return {name: f.timeout for name, f in directory.topology().functions.items()}


def test_nobody_waits_for_what_a_queue_or_an_event_starts(directory: Directory) -> None:
    text = "queues: {q: {function: one}}\nevents: {E: {function: two}}\n"
    text += "routes: {/q: {queue: q}, /e: {event: E}}"
    directory.write(f"name: etl\n{text}", "one two")
    assert timeouts(directory) == {"one": 300, "two": 300}


def test_a_function_that_a_route_waits_for_has_29_seconds(directory: Directory) -> None:
    text = "name: etl\nfunctions: {one: {function: two}, four: {runtime: {timeout: 7}}}\n"
    text += "routes: {/a: {function: one}, /b: {function: three, async: true}}\n"
    directory.write(text, "one two three four")
    assert timeouts(directory) == {"one": 29, "two": 29, "three": 300, "four": 7}


def test_overlays_are_merged_default_env_sandbox(directory: Directory) -> None:
    overlay = {
        "default": {"memory_size": 256, "timeout": 20, "environment": {"AA": "1", "BB": "1"}},
        "dev": {"memory_size": 512, "environment": {"BB": "2", "CC": "{{sandbox}}"}},
        "bob": {"timeout": 30, "environment": {"CC": "3", "DD": "{{env}}"}, "tags": {"x": "y"}},
        "alice": {"memory_size": 1024},
    }
    text = "name: etl\nfunctions: {one: {runtime: {memory: 128, environment: {AA: 0, ZZ: yes}}}}\n"
    files = {"infrastructure/tc/etl/vars/one.json": json.dumps(overlay)}
    one = directory.write(text, "one", files).topology().functions["one"]
    assert (one.memory, one.timeout) == (512, 30)
    assert one.environment == {"AA": "1", "BB": "2", "CC": "3", "DD": "dev", "ZZ": "yes"}
    assert one.tags == {"x": "y"}
    alice = directory.topology(sandbox="alice", env="prod").functions["one"]
    assert (alice.memory, alice.timeout) == (1024, 20)
    assert alice.environment == {"AA": "1", "BB": "1", "ZZ": "yes"}


def test_nested_topologies_have_their_own_names_and_tags(directory: Directory) -> None:
    text = "name: up\nrecursive: true\ntags: {team: a, both: a}\n"
    below = "name: down\nversion: 1.2.3\ntags: {both: b, own: c}\nroutes: {/a: {function: one}}\n"
    files = {"sub/topology.yml": below, "sub/one/handler.py": "x = 1\n"}
    up, down = directory.write(text, "one", files).topology().family()
    assert up.function_name("one") == "up_one_bob"
    assert down.function_name("one") == "down_one_bob"
    assert (up.scope.version, down.scope.version) == ("0.0.1", "1.2.3")
    assert up.scope.tags == {"team": "a", "both": "a"}
    assert down.scope.tags == {"team": "a", "both": "b", "own": "c"}


def test_nested_topologies_name_each_other_in_their_flows(directory: Directory) -> None:
    def flow(other: str) -> str:
        task = {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": f"{other}_one_{{{{sandbox}}}}"},
            "End": True,
        }
        return json.dumps({"StartAt": "s", "States": {"s": task}})

    text = f"name: up\nrecursive: true\nflow: {flow('down')}\n"
    files = {
        "sub/topology.yml": f"name: down\nflow: {flow('up')}\n",
        "sub/one/handler.py": "x = 1\n",
    }
    up, down = directory.write(text, "one", files).topology().family()
    assert up.edges == down.edges == ()
    allowed = {role.name: role.statements for role in up.roles}["flow.up"]
    assert allowed[0].resources[0].endswith(":function:down_one_bob")


def test_a_written_flow_that_aws_would_refuse_is_an_error_with_its_line(
    directory: Directory,
) -> None:
    text = "name: etl\nflow: {StartAt: s, States: {s: {Type: Pass, Next: t}}}\n"
    (finding,) = directory.write(text).findings()
    assert finding.address.path[:3] == ("flow", "States", "s")


def test_two_flows_of_one_name_are_an_error(directory: Directory) -> None:
    text = "name: one\nflow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
    text += "functions: {one: {function: two}}\n"
    assert codes(directory.write(text, "one two").findings()) == ["name-clash"]


def test_generated_flows_of_all_shapes_are_what_step_functions_accepts(
    directory: Directory,
) -> None:
    text = """
name: etl
functions:
  a: {functions: [b, c]}
  b: {functions: [d, e]}
  c: {function: j}
  d: {function: i, event: E}
  e: {function: i}
  i: {function: j}
  j: {event: E}
  k: {event: F}
events: {E: {function: x}, F: {}}
"""
    topology = directory.write(text, "a b c d e i j k x").topology()
    assert sorted(topology.flows) == ["a", "k"]
    for flow in topology.flows.values():
        assert check(flow.definition, flow.address, "Standard") == []
