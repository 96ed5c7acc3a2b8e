"""A stable sandbox goes live in phases: prepared beside what runs, switched, cleared away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

from tc.components import kinds
from tc.components.protocol import Switch
from tc.deploy import switch
from tc.deploy.pipeline import carry_out
from tc.errors import AwsError
from tc.events import Event, silent
from tc.plan.resource import Action, Actual, Change, Plan, Resource, Step
from tc.spec.topology import Topology

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:etl_stable"
FLOW: dict[str, Any] = {
    "StartAt": "one",
    "States": {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": f"{{{{namespace}}}}_{name}_{{{{sandbox}}}}"},
            **end,
        }
        for name, end in (("one", {"Next": "two"}), ("two", {"End": True}))
    },
}
WHOLE: dict[str, Any] = {
    "routes": {"/a": {"function": "one"}, "/b": {"state": "etl", "async": True}},
    "events": {"E": {"state": "etl"}, "F": {"function": "two"}},
    "schedules": {"nightly": {"cron": "rate(1 day)", "function": "one"}},
    "queues": {"jobs": {"function": "two"}},
    "flow": FLOW,
}


class Stable:
    """A stable sandbox that deploys what is written."""

    def __init__(self, directory: Directory):
        self.directory = directory
        self.aws = FakeAws()
        self.events: list[Event] = []

    def topology(self, *, stable: bool = True, **more: Any) -> Topology:
        return self.directory.topology(sandbox="stable", stable=stable, **more)

    def write(self, code: str = "", **parts: Any) -> None:
        text = json.dumps({"name": "etl", **(parts or WHOLE)})
        self.directory.write(text, "one two", files={"one/handler.py": f"# {code}\n"})

    def create(self, *components: str, **more: Any) -> Any:
        return create(self.aws, self.topology(**more), *components, emit=self.events.append)

    def version(self, function: str = "one") -> str:
        alias = self.aws.functions[f"etl_{function}_stable"]["aliases"]["live"]
        return str(alias["FunctionVersion"])

    def flow(self) -> str:
        (route,) = self.aws.flow_aliases[f"{MACHINE}:live"]["routingConfiguration"]
        return str(route["stateMachineVersionArn"])

    def named(self, version: str) -> list[str]:
        """The functions that a version of the flow names."""
        definition = json.loads(self.aws.flow_versions[version]["definition"])
        return [s["Parameters"]["FunctionName"] for s in definition["States"].values()]

    def said(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.name == kind]


@pytest.fixture
def stable(directory: Directory) -> Stable:
    made = Stable(directory)
    made.write()
    return made


def failing(operation: str) -> Callable[[str, Any], AwsError | None]:
    error = AwsError("no", aws_code="AccessDenied", operation=operation, status=403)
    return lambda name, _: error if name == operation else None


def test_everything_calls_aliases_and_flows_name_versions(stable: Stable) -> None:
    assert failures(stable.create()) == []
    aws = stable.aws
    assert stable.named(stable.flow()) == ["etl_one_stable:1", "etl_two_stable:1"]
    told = repr([aws.rules, aws.http_apis, aws.schedules, aws.mappings])
    assert told.count("etl_one_stable:live") == 2
    assert told.count("etl_two_stable:live") == 2
    assert told.count("stateMachine:etl_stable:live") == 2
    assert told.count("stateMachine:etl_stable") == 2
    assert all(function["policy"] == {} for function in aws.functions.values())
    settled(aws, stable.topology())
    assert delete(aws, stable.topology()).ok
    assert aws.is_empty()
    assert not aws.flow_aliases


def test_roles_may_start_the_alias_and_call_versions(stable: Stable) -> None:
    granted = {
        role.name: [str(r) for statement in role.statements for r in statement.resources]
        for role in stable.topology().roles
    }
    assert f"{MACHINE}:live" in granted["event.E"]
    assert any(arn.endswith("etl_one_stable:*") for arn in granted["flow.etl"])


def test_a_flow_names_the_version_of_a_flow_that_it_starts(stable: Stable) -> None:
    """The chain of `one` starts the written flow: both are as they were published."""
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution"}
    itself = {**start, "Parameters": {"StateMachineArn": MACHINE}, "Next": "two"}
    flow = {**FLOW, "States": {**FLOW["States"], "again": itself}}
    flow["States"]["one"] = {**flow["States"]["one"], "Next": "again"}
    functions = {"one": {"function": "two"}, "two": {"state": "etl"}}
    stable.write(flow=flow, functions=functions)
    assert failures(stable.create()) == []
    chain = stable.aws.flow_versions[f"{MACHINE.replace('etl_', 'etl_one_')}:1"]
    assert f'"{MACHINE}:1"' in chain["definition"]
    assert f'"{MACHINE}:live"' in stable.aws.flow_versions[f"{MACHINE}:1"]["definition"]
    settled(stable.aws, stable.topology())
    stable.write("new", flow=flow, functions=functions)
    assert failures(stable.create()) == []
    chain = stable.aws.flow_versions[f"{MACHINE.replace('etl_', 'etl_one_')}:2"]
    assert f'"{MACHINE}:2"' in chain["definition"]
    settled(stable.aws, stable.topology())


def test_a_variable_names_the_alias(stable: Stable) -> None:
    variables = {"NAME": "{{functions.two.name}}", "ARN": "{{functions.two.arn}}"}
    one = {"runtime": {"environment": variables}}
    stable.write(functions={"one": one})
    assert failures(stable.create()) == []
    live = stable.aws.functions["etl_one_stable"]["configuration"]["Environment"]["Variables"]
    assert live["NAME"] == "etl_two_stable:live"
    assert live["ARN"].endswith(":function:etl_two_stable:live")


def test_an_ordinary_sandbox_has_none_of_it(stable: Stable) -> None:
    create(stable.aws, stable.topology(stable=False))
    assert not stable.aws.flow_versions
    assert not any(function["versions"] for function in stable.aws.functions.values())
    calls = {name.split(".")[1] for name, _ in stable.aws.calls}
    assert not calls & {"get_alias", "list_versions_by_function", "describe_state_machine_alias"}


def test_the_switch_is_after_all_else(stable: Stable) -> None:
    stable.create()
    stable.write("new")
    stable.aws.forget()
    assert stable.create().ok
    assert stable.aws.writes() == [
        "lambda.update_function_code",
        "lambda.publish_version",
        "stepfunctions.update_state_machine",
        "stepfunctions.publish_state_machine_version",
        *stable.aws.writes()[4:],
    ]
    assert sorted(stable.aws.writes()[4:]) == [
        "lambda.update_alias",
        "stepfunctions.update_state_machine_alias",
    ]
    assert stable.version() == "2"
    assert stable.named(stable.flow()) == ["etl_one_stable:2", "etl_two_stable:1"]
    settled(stable.aws, stable.topology())


@pytest.mark.parametrize("component", ["one", "functions", "functions/code", "code"])
def test_a_component_brings_along_what_names_its_version(stable: Stable, component: str) -> None:
    stable.create()
    stable.write("new")
    assert work(plan(stable.aws, stable.topology(), component)) == [
        "+ flow version etl_stable",
        "+ version etl_one_stable",
        "~ alias etl_one_stable:live: version",
        "~ flow alias etl_stable:live: version",
        "~ flow etl_stable: definition.States.one.Parameters.FunctionName",
        "~ function etl_one_stable: code",
    ]
    assert stable.create(component).ok
    assert stable.named(stable.flow()) == ["etl_one_stable:2", "etl_two_stable:1"]
    settled(stable.aws, stable.topology())


def test_a_component_that_differs_otherwise_leaves_the_rest(stable: Stable) -> None:
    """The flow of a topology whose functions changed here names what runs."""
    stable.create()
    flow = {**FLOW, "Comment": "new"}
    stable.write("new", **{**WHOLE, "flow": flow})
    assert stable.create("flow").ok
    assert stable.named(stable.flow()) == ["etl_one_stable:1", "etl_two_stable:1"]
    assert stable.version() == "1"


@pytest.mark.parametrize(
    "operation",
    [
        "lambda.publish_version",
        "stepfunctions.update_state_machine",
        "stepfunctions.publish_state_machine_version",
        "iam.put_role_policy",
        "sqs.create_queue",
    ],
)
def test_a_failure_before_the_switch_leaves_what_runs(stable: Stable, operation: str) -> None:
    stable.create()
    before = stable.flow()
    more = {**WHOLE, "queues": {**WHOLE["queues"], "more": {"function": "one"}}}
    less = {key: value for key, value in more.items() if key != "events"}
    stable.write("new", **less)
    stable.aws.hook = failing(operation)
    outcome = stable.create()
    assert len(outcome.failed) == 1
    assert stable.version() == "1"
    assert stable.flow() == before
    assert len(stable.aws.rules) == 2
    assert stable.said("switch.stopped") == ["Nothing was switched: what runs is as it was"]
    stable.aws.hook = lambda name, _: None
    assert stable.create().ok
    assert stable.version() == "2"
    assert stable.aws.rules == {}
    settled(stable.aws, stable.topology())


def test_a_failure_in_the_switch_removes_nothing_and_is_finished_by_the_next(
    stable: Stable,
) -> None:
    stable.create()
    stable.write("new", **{key: value for key, value in WHOLE.items() if key != "events"})
    stable.aws.hook = failing("lambda.update_alias")
    assert not stable.create().ok
    assert len(stable.aws.rules) == 2
    assert "incomplete" in stable.said("switch.stopped")[0]
    stable.aws.hook = lambda name, _: None
    assert stable.create().ok
    settled(stable.aws, stable.topology())


def test_going_back_publishes_nothing_of_functions(stable: Stable) -> None:
    stable.write("old")
    stable.create()
    stable.write("new")
    stable.create()
    stable.write("old")
    assert "+ version etl_one_stable" not in work(plan(stable.aws, stable.topology()))
    stable.aws.forget()
    assert stable.create().ok
    assert "lambda.publish_version" not in stable.aws.writes()
    assert stable.version() == "1"
    assert stable.named(stable.flow()) == ["etl_one_stable:1", "etl_two_stable:1"]
    settled(stable.aws, stable.topology())


def test_a_version_that_can_not_be_called_stops_the_switch(stable: Stable) -> None:
    stable.write("old")
    stable.create()
    stable.write("new")
    stable.create()
    broken = stable.aws.functions["etl_one_stable"]["versions"]["1"]
    broken |= {"State": "Failed", "StateReason": "the image is gone"}
    stable.write("old")
    outcome = stable.create()
    assert failures(outcome) == [
        "alias etl_one_stable:live: Lambda can't run etl_one_stable:1: the image is gone"
    ]
    assert stable.version() == "2"
    assert stable.said("switch.stopped") != []


def test_a_release_alone_is_no_difference(stable: Stable) -> None:
    stable.create(version="0.1.0")
    assert work(plan(stable.aws, stable.topology(version="0.2.0"))) == []
    stable.write("new")
    stable.create(version="0.2.0")
    alias = stable.aws.functions["etl_one_stable"]["aliases"]["live"]
    assert alias["Description"] == "0.2.0"
    assert stable.aws.flow_aliases[f"{MACHINE}:live"]["description"] == "0.2.0"


def test_weights_that_somebody_left_are_a_difference(stable: Stable) -> None:
    stable.create()
    stable.write("new")
    stable.create()
    alias = stable.aws.functions["etl_one_stable"]["aliases"]["live"]
    alias["RoutingConfig"] = {"AdditionalVersionWeights": {"1": 0.1}}
    assert work(plan(stable.aws, stable.topology())) == ["~ alias etl_one_stable:live: weights.1"]
    assert stable.create().ok
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {}}
    settled(stable.aws, stable.topology())


@pytest.mark.parametrize("refused", [False, True])
def test_a_part_alone_is_not_taken_back_by_what_a_killed_canary_left(
    stable: Stable, refused: bool
) -> None:
    stable.create()
    stable.write("new")
    alias = stable.aws.functions["etl_one_stable"]["aliases"]["live"]
    alias["RoutingConfig"] = {"AdditionalVersionWeights": {"1": 0.1}}
    left = "tc-canary-function-etl_one_stable"
    stable.aws.schedules[("etl_stable", left)] = {}
    if refused:
        stable.aws.hook = failing("scheduler.delete_schedule")
    assert stable.create("one").ok is not refused
    assert (("etl_stable", left) in stable.aws.schedules) is refused
    assert stable.version() == ("1" if refused else "2")


def test_a_sandbox_that_becomes_stable_is_moved_and_cleared_after(stable: Stable) -> None:
    create(stable.aws, stable.topology(stable=False))
    policies = [len(f["policy"]) for f in stable.aws.functions.values()]
    assert sum(policies) == 2
    stable.aws.hook = failing("lambda.publish_version")
    assert not stable.create().ok
    assert [len(f["policy"]) for f in stable.aws.functions.values()] == policies
    stable.aws.hook = lambda name, _: None
    assert failures(stable.create()) == []
    assert all(f["policy"] == {} for f in stable.aws.functions.values())
    assert "etl_one_stable'" not in repr([stable.aws.rules, stable.aws.http_apis])
    settled(stable.aws, stable.topology())


def test_a_flow_alone_of_a_sandbox_that_becomes_stable(stable: Stable) -> None:
    """It needs versions of its functions, and there are none yet."""
    create(stable.aws, stable.topology(stable=False))
    assert failures(stable.create("flow")) == []
    assert stable.named(stable.flow()) == ["etl_one_stable:1", "etl_two_stable:1"]
    assert failures(stable.create()) == []
    settled(stable.aws, stable.topology())


def test_a_sandbox_that_is_stable_no_more_loses_its_versions(stable: Stable) -> None:
    stable.create()
    ordinary = stable.topology(stable=False)
    assert failures(create(stable.aws, ordinary)) == []
    assert not any(f["versions"] or f["aliases"] for f in stable.aws.functions.values())
    assert not stable.aws.flow_versions
    (api,) = stable.aws.http_apis.values()
    assert [stage["AutoDeploy"] for stage in api["stages"].values()] == [True]
    settled(stable.aws, ordinary)


def stage(aws: FakeAws) -> dict[str, Any]:
    (api,) = aws.http_apis.values()
    (found,) = api["stages"].values()
    return dict(found)


def test_an_own_http_api_turns_in_one_call(stable: Stable) -> None:
    stable.create()
    assert stage(stable.aws)["AutoDeploy"] is False
    routes = {"/a": {"function": "two"}, "/c": {"function": "one", "method": "GET"}}
    stable.write(**{**WHOLE, "routes": routes})
    stable.aws.forget()
    assert failures(stable.create()) == []
    ours = [name for name in stable.aws.writes() if name.startswith("apigatewayv2.")]
    assert ours == [
        "apigatewayv2.reimport_api",
        "apigatewayv2.create_deployment",
        "apigatewayv2.update_stage",
    ]
    assert sorted(stage(stable.aws)["answers"]) == ["GET /c", "POST /a"]
    settled(stable.aws, stable.topology())


@pytest.mark.parametrize("operation", ["create_deployment", "update_stage"])
def test_an_api_that_was_written_and_not_turned_is_turned_by_the_next_run(
    stable: Stable, operation: str
) -> None:
    stable.create()
    before = stage(stable.aws)["answers"]
    stable.write(**{**WHOLE, "routes": {"/a": {"function": "two"}}})
    stable.aws.hook = failing(f"apigatewayv2.{operation}")
    assert not stable.create().ok
    assert stage(stable.aws)["answers"] == before
    stable.aws.hook = lambda name, _: None
    assert work(plan(stable.aws, stable.topology())) != []
    assert failures(stable.create()) == []
    assert stage(stable.aws)["answers"] == ["POST /a"]
    settled(stable.aws, stable.topology())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"authorizer": "two"}),
        ({"authorizer": "two"}, {"authorizer": "none"}),
        ({"authorizer": "two"}, {"authorizer": "two", "timeout": 7}),
        ({}, {"cors": {"origins": ["https://a.example"]}}),
        ({"cors": {"origins": ["https://a.example"]}}, {"timeout": 9}),
        ({"authorizer": "iam"}, {"authorizer": "iam", "method": "GET"}),
    ],
)
def test_what_else_an_api_has_turns_with_it(
    stable: Stable, before: dict[str, Any], after: dict[str, Any]
) -> None:
    stable.write(routes={"/a": {"function": "one", **before}})
    assert failures(stable.create()) == []
    settled(stable.aws, stable.topology())
    stable.write(routes={"/a": {"function": "one", **after}})
    assert failures(stable.create()) == []
    settled(stable.aws, stable.topology())


def policy_writes(aws: FakeAws, role: str) -> list[list[Any]]:
    return [
        json.loads(given["PolicyDocument"])["Statement"]
        for name, given in aws.calls
        if name == "iam.put_role_policy" and given["RoleName"].startswith(role)
    ]


def test_a_role_is_wide_until_the_switch_is_done(stable: Stable, directory: Directory) -> None:
    roles = "infrastructure/tc/etl/roles/one.json"

    def write(action: str) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        directory.write(
            json.dumps({"name": "etl", **WHOLE}),
            "one two",
            files={roles: json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        )

    write("s3:ListAllMyBuckets")
    stable.create()
    write("sts:GetCallerIdentity")
    stable.aws.forget()
    assert stable.create().ok
    wide, narrow = policy_writes(stable.aws, "tc_etl_one_stable")
    assert [one["Action"] for one in wide[-2:]] == ["sts:GetCallerIdentity", "s3:ListAllMyBuckets"]
    assert narrow == wide[:-1]
    settled(stable.aws, stable.topology())


def allowing(effect: str, *actions: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": list(actions), "Resource": ["*"]}


@pytest.mark.parametrize(
    ("old", "new", "first", "last"),
    [
        ([allowing("Allow", "a")], [allowing("Allow", "a", "b")], True, False),
        ([allowing("Allow", "a", "b")], [allowing("Allow", "a")], False, True),
        ([allowing("Allow", "a")], [allowing("Allow", "a"), allowing("Deny", "b")], False, True),
        ([allowing("Allow", "a"), allowing("Deny", "b")], [allowing("Allow", "a")], True, False),
        ([allowing("Allow", "a"), allowing("Allow", "b")], [allowing("Allow", "a")], False, True),
    ],
)
def test_what_of_a_role_is_written_when(
    old: list[Any], new: list[Any], first: bool, last: bool
) -> None:
    live = Actual("role", "role/r", "r", "r", "o", {"policy": {"Statement": old}})
    wanted = Resource("role", "role/r", "r", "r", "o", {"policy": {"Statement": new}})
    changes = (Change("policy.Statement", old, new),)
    step = Step(Action.UPDATE, "role/r", "role", "r", "r", wanted, live, changes)
    phases = switch.split(Plan((step,)))
    assert [bool(part.steps) for part in (phases.prepare, phases.switch, phases.after)] == [
        first,
        False,
        last,
    ]
    for done in phases.prepare.steps:
        assert done.resource
        statements = done.resource.props["policy"]["Statement"]
        assert not [one for one in statements if one["Effect"] == "Deny"]
    for done in phases.after.steps:
        assert done.resource
        assert done.resource.props["policy"]["Statement"] == new


def test_a_statement_that_changes_under_its_name_is_there_twice_with_one_name() -> None:
    """AWS refuses a policy that has an id twice."""
    old, new = ({**allowing("Allow", action), "Sid": "Mine"} for action in ("a", "b"))
    for kind in ("role", "queue"):
        live = Actual(kind, "k", "r", "r", "o", {"policy": {"Statement": [old]}})
        wanted = Resource(kind, "k", "r", "r", "o", {"policy": {"Statement": [new]}})
        changes = (Change("policy.Statement", [old], [new]),)
        step = Step(Action.UPDATE, "k", kind, "r", "r", wanted, live, changes)
        phases = switch.split(Plan((step,)))
        (wide,), (narrow,) = phases.prepare.steps, phases.after.steps
        assert wide.resource
        assert narrow.resource
        assert wide.resource.props["policy"]["Statement"] == [new, allowing("Allow", "a")]
        assert narrow.resource.props["policy"]["Statement"] == [new]


def test_both_policies_have_room_or_the_change_is_in_the_switch() -> None:
    for size, where in ((4_900, "prepare"), (5_200, "switch")):
        old, new = ([allowing("Allow", letter * size)] for letter in "ab")
        live = Actual("role", "k", "r", "r", "o", {"policy": {"Statement": old}})
        wanted = Resource("role", "k", "r", "r", "o", {"policy": {"Statement": new}})
        changes = (Change("policy.Statement", old, new),)
        step = Step(Action.UPDATE, "k", "role", "r", "r", wanted, live, changes)
        phases = switch.split(Plan((step,)))
        assert [bool(phases.prepare.steps), bool(phases.switch.steps)] == [
            where == "prepare",
            where == "switch",
        ]
    assert "one policy" in switch.told(Plan((step,)))[1]


def test_a_stream_in_place_of_another_is_switched_with_its_readers(stable: Stable) -> None:
    def write(view: str) -> None:
        table = {"key": "id", "function": "one", "stream": view}
        stable.write(tables={"runs": table})

    write("KEYS_ONLY")
    assert failures(stable.create()) == []
    write("NEW_IMAGE")
    phases = switch.split(plan(stable.aws, stable.topology()).plan)
    assert "table" not in {step.kind for step in phases.prepare.steps}
    assert {"table", "mapping"} <= {step.kind for step in phases.switch.steps}
    assert failures(stable.create()) == []
    settled(stable.aws, stable.topology())


def test_every_kind_says_how_it_goes_live() -> None:
    told = {component.KIND: component.TRAITS.switch for component in kinds()}
    assert set(told.values()) == set(get_args(Switch))
    for kind, way in (("function", "beside"), ("api", "entry"), ("flow alias", "alias")):
        assert told[kind] == way


def test_rights_are_given_time_to_spread(stable: Stable, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []
    monkeypatch.setattr(
        FakeAws, "wait", lambda self, what, probe, first=None, deadline=None: waited.append(first)
    )
    stable.create()
    stable.write("new")
    waited.clear()
    stable.create()
    assert 10.0 not in waited
    stable.write("new", **{**WHOLE, "functions": {"one": {"runtime": {"tracing": True}}}})
    assert failures(stable.create()) == []
    assert 10.0 in waited


def test_old_versions_go_and_what_is_named_stays(stable: Stable) -> None:
    for number in range(1, 5):
        stable.write(f"code {number}")
        assert stable.create(keep=2).ok
    function = stable.aws.functions["etl_one_stable"]
    assert sorted(function["versions"]) == ["3", "4"]
    assert sorted(stable.aws.flow_versions) == [f"{MACHINE}:3", f"{MACHINE}:4"]
    stable.aws.executions = [{"stateMachineVersionArn": f"{MACHINE}:3"}, {}]
    for number in range(5, 8):
        stable.write(f"code {number}")
        assert stable.create(keep=2).ok
    assert sorted(function["versions"]) == ["3", "6", "7"]
    assert sorted(stable.aws.flow_versions) == [f"{MACHINE}:{n}" for n in (3, 6, 7)]
    assert sorted(stable.aws.functions["etl_two_stable"]["versions"]) == ["1"]
    settled(stable.aws, stable.topology())


def test_the_flow_before_stays_whatever_is_said(stable: Stable) -> None:
    for number in range(1, 4):
        stable.write(f"code {number}")
        assert stable.create(keep=1).ok
    assert sorted(stable.aws.flow_versions) == [f"{MACHINE}:2", f"{MACHINE}:3"]
    assert sorted(stable.aws.functions["etl_one_stable"]["versions"]) == ["2", "3"]


def test_what_a_flow_named_before_stays_when_the_flow_is_not_published(stable: Stable) -> None:
    stable.write("code 1")
    assert stable.create(keep=1).ok
    less = {**FLOW, "StartAt": "two", "States": {"two": FLOW["States"]["two"]}}
    for number in (2, 3):
        stable.write(f"code {number}", **{**WHOLE, "flow": less})
        assert stable.create(keep=1).ok
    assert sorted(stable.aws.flow_versions) == [f"{MACHINE}:1", f"{MACHINE}:2"]
    assert sorted(stable.aws.functions["etl_one_stable"]["versions"]) == ["1", "3"]


def test_a_part_alone_prunes_nothing_that_other_flows_may_name(stable: Stable) -> None:
    for number in range(1, 5):
        stable.write(f"code {number}")
        assert stable.create(*(["one"] if number > 1 else []), keep=2).ok
    function = stable.aws.functions["etl_one_stable"]
    assert sorted(function["versions"]) == ["1", "2", "3", "4"]
    stable.write("code 5")
    assert stable.create(keep=2).ok
    assert sorted(function["versions"]) == ["4", "5"]


def test_what_can_not_be_pruned_is_a_warning(stable: Stable) -> None:
    for number in range(1, 4):
        stable.write(f"code {number}")
        stable.aws.hook = failing("lambda.delete_function")
        assert stable.create(keep=2).ok
    assert "old versions are left: no" in stable.said("warning")


def test_a_shared_api_is_said_to_be_switched_by_itself(stable: Stable) -> None:
    routes = {"etl": {"gateway": "api-test", "path": "/api/etl", "function": "one"}}
    stable.write(**{**WHOLE, "routes": routes})
    assert switch.told(plan(stable.aws, stable.topology()).plan) == []
    stable.create()
    stable.write(**{**WHOLE, "routes": {"etl": {**routes["etl"], "function": "two"}}})
    lines = switch.told(plan(stable.aws, stable.topology()).plan)
    assert "Can't be switched at once: route /api/etl of api-test" in lines
    # two functions and the flow get new timeouts with it
    assert lines[0] == "The switch takes 4 calls, after all else is prepared"
    done = plan(stable.aws, stable.topology()).plan
    places = {step.title: step.kind for step in switch.split(done).prepare.steps}
    assert places["etl_two_stable for api api-test"] == "permission"


def test_phases_hold_every_step_once(stable: Stable) -> None:
    stable.create()
    stable.write("new", **{key: value for key, value in WHOLE.items() if key != "events"})
    whole = plan(stable.aws, stable.topology()).plan
    phases = switch.split(whole)
    parts = [*phases.prepare.steps, *phases.switch.steps, *phases.after.steps]
    assert {step.key for step in parts} == {step.key for step in whole.work}
    assert [step.kind for step in phases.moves] == ["alias", "flow alias"]
    assert {step.action for step in phases.after.steps} == {Action.DELETE}


def test_the_calls_of_ten_functions(directory: Directory) -> None:
    """Of each function: its role and log group, itself, a version, an alias."""
    stable = Stable(directory)
    names = " ".join(f"f{number}" for number in range(10))
    directory.write(json.dumps({"name": "etl"}), names)
    stable.create()
    assert len(stable.aws.writes()) == 10 * 7
    settled(stable.aws, stable.topology())
    reads = len(stable.aws.calls)
    assert reads <= 2 * 10 * 5 + 10


def test_what_is_made_anew_is_late_with_all_that_needs_it(stable: Stable) -> None:
    stable.create()
    stable.write("new", **{**WHOLE, "mode": "Express"})
    whole = plan(stable.aws, stable.topology()).plan
    late = {(step.kind, step.action) for step in switch.split(whole).switch.steps}
    assert ("flow", Action.REPLACE) in late
    assert ("flow version", Action.CREATE) in late
    assert ("flow alias", Action.CREATE) in late
    assert "Can't be switched at once: flow etl_stable, which is made anew" in switch.told(whole)
    assert failures(carry_out(plan(stable.aws, stable.topology()), stable.aws, silent)) == []
    settled(stable.aws, stable.topology())
