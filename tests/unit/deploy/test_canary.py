"""A canary, call by call: what stands by before a weight is put, what is seen, what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from tc.components.role import role_name
from tc.deploy.canary import GRACE, Canary, going
from tc.deploy.walk import Outcome
from tc.errors import AwsError
from tc.events import Event
from tc.plan.resource import Action, Actual, Change, Plan, Ref, Resource, Step
from tc.spec.scope import Scope

SCOPE = Scope("etl", "stable", account="111122223333", region="eu-west-1", updated_by="ana")
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:etl_load_stable"
FLOW = "arn:aws:states:eu-west-1:111122223333:stateMachine:etl_stable"
ROLE = role_name(SCOPE, "tc-canary")
Call = tuple[str, dict[str, Any]]


class Account:
    """What is called, and what comes of it: errors of the new versions, refusals."""

    account, region, partition = "111122223333", "eu-west-1", "aws"
    local, endpoint = False, None

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refused: dict[str, list[AwsError]] = {}
        #: of the new version of the function, by the dimensions' values: calls, errors
        self.metrics: dict[tuple[str, ...], tuple[int, int]] = {}
        #: of the new version of the flow, each by its status; None: an Express flow
        self.executions: list[str] | None = []
        self.group = False

    def call(self, service: str, operation: str, /, **given: Any) -> dict[str, Any]:
        self.calls.append((operation, given))
        if self.refused.get(operation):
            raise self.refused[operation].pop(0)
        answer: Callable[..., dict[str, Any]] = getattr(self, operation, lambda **_: {})
        return answer(**given)

    def create_role(self, RoleName: str, Path: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Role": {"Arn": f"arn:aws:iam::111122223333:role{Path}{RoleName}"}}

    def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803
        role = {"RoleName": RoleName, "Path": SCOPE.role_path, "Arn": "arn:role"}
        return {"Role": role}

    def get_role_policy(self, **_: Any) -> dict[str, Any]:
        return {"PolicyDocument": {"Statement": []}}

    def get_schedule_group(self, **_: Any) -> dict[str, Any]:
        raise error("ResourceNotFoundException")

    def create_schedule_group(self, **_: Any) -> dict[str, Any]:
        if self.group:
            raise error("ConflictException")
        return {"ScheduleGroupArn": "arn:group"}

    def list_executions(
        self,
        stateMachineArn: str,  # noqa: N803
        statusFilter: str = "",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        assert stateMachineArn == f"{FLOW}:8"
        if self.executions is None:
            raise error("StateMachineTypeNotSupported")
        now, old = datetime.now(UTC), datetime(2026, 1, 1, tzinfo=UTC)
        found = [one for one in self.executions if statusFilter in ("", one)]
        return {"executions": [{"startDate": now} for _ in found] + [{"startDate": old}]}

    def pages(self, service: str, operation: str, key: str, /, **given: Any) -> Iterable[Any]:
        assert (operation, key) == ("get_metric_data", "MetricDataResults")
        self.calls.append((operation, given))
        for query in given["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            values = tuple(one["Value"] for one in metric["Dimensions"])
            found = self.metrics.get(values, (0, 0))
            bad = metric["MetricName"] in ("Errors", "ExecutionsFailed")
            late = metric["MetricName"] == "ExecutionsTimedOut"
            yield {"Id": query["Id"], "Values": [] if late else [float(found[bad])]}

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
        return [function(item) for item in items]

    def insist(self, what: str, call: Callable[[], Any], /) -> Any:
        return call()

    def wait(self, *_: Any, **__: Any) -> None:
        raise AssertionError

    def named(self, operation: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == operation]

    def order(self) -> list[str]:
        return [name for name, _ in self.calls]


def error(code: str) -> AwsError:
    return AwsError(code, aws_code=code, operation="fake", status=400)


def alias() -> Step:
    key = "alias/etl_load_stable:live"
    outputs = {"arn": f"{FUNCTION}:live", "function": "etl_load_stable", "function_arn": FUNCTION}
    before = {"version": "7", "weights": {}, "provisioned_concurrency": 0}
    after = {**before, "version": Ref("version/etl_load_stable", "version")}
    name = "etl_load_stable:live"
    payload = {"function": "etl_load_stable", "release": "0.1.4", "stable": True}
    wanted = Resource("alias", key, name, name, SCOPE.owner, after, payload=payload)
    there = Actual("alias", key, name, name, SCOPE.owner, before, outputs)
    change = Change("version", "7", after["version"])
    return Step(Action.UPDATE, key, "alias", name, name, wanted, there, (change,))


def flow() -> Step:
    key, name = "flow alias/etl_stable", "etl_stable:live"
    outputs = {"arn": f"{FLOW}:live", "flow": FLOW}
    before = {"version": f"{FLOW}:7", "weights": {}}
    after = {"version": Ref("flow version/etl_stable", "arn"), "weights": {}}
    payload = {"arn": FLOW, "release": "0.1.4"}
    wanted = Resource("flow alias", key, name, name, SCOPE.owner, after, payload=payload)
    there = Actual("flow alias", key, name, name, SCOPE.owner, before, outputs)
    change = Change("version", before["version"], after["version"])
    return Step(Action.UPDATE, key, "flow alias", name, name, wanted, there, (change,))


def plan(*steps: Step) -> Plan:
    known = {
        "version/etl_load_stable": {"version": "8"},
        "flow version/etl_stable": {"arn": f"{FLOW}:8"},
    }
    return Plan(steps, known)


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, Callable[[], None]] = {}

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when in [when for when in self.at if when <= self.now]:
            self.at.pop(when)()


def run(
    aws: Account, *steps: Step, time: Time | None = None, tolerate: float = 0
) -> tuple[Outcome, list[Event]]:
    time = time or Time()
    told: list[Event] = []
    canary = Canary(10, 600, tolerate, clock=lambda: time.now, sleep=time.sleep)
    outcome = going(canary, SCOPE)(plan(*(steps or (alias(), flow()))), aws, told.append)  # type: ignore[arg-type]
    return outcome, told


def names(told: list[Event]) -> list[str]:
    return [event.name for event in told if event.name.startswith("canary")]


WEIGHT = {"AdditionalVersionWeights": {"8": 0.1}}
NONE: dict[str, Any] = {"AdditionalVersionWeights": {}}


def test_all_calls_go_to_what_is_new_when_nothing_fails() -> None:
    aws = Account()
    aws.metrics["etl_load_stable", "etl_load_stable:live", "8"] = (40, 0)

    outcome, told = run(aws)

    assert outcome.ok
    assert len(outcome.done) == 2
    assert names(told) == ["canary.started", *["canary.watched"] * 9, "canary.passed"]
    weighted, moved = aws.named("update_alias")
    assert (weighted["FunctionVersion"], weighted["RoutingConfig"]) == ("7", WEIGHT)
    assert (moved["FunctionVersion"], moved["RoutingConfig"]) == ("8", NONE)
    routes = [given["routingConfiguration"] for given in aws.named("update_state_machine_alias")]
    assert [[(r["stateMachineVersionArn"][-1], r["weight"]) for r in one] for one in routes] == [
        [("7", 90), ("8", 10)],
        [("8", 100)],
    ]


def test_what_gives_back_stands_by_from_before_the_first_weight_until_after_the_move() -> None:
    aws = Account()
    run(aws)

    order = aws.order()
    schedules = [n for n, name in enumerate(order) if name == "create_schedule"]
    weights = [n for n, name in enumerate(order) if name.startswith("update_")]
    removed = [n for n, name in enumerate(order) if name.startswith("delete_")]
    assert max(schedules) < min(weights)
    assert max(weights) < min(removed)
    schedule, group = ["delete_schedule"] * 2, ["delete_schedule_group"]
    assert [order[n] for n in removed] == [*schedule, *group, "delete_role_policy", "delete_role"]


def test_a_schedule_may_do_no_more_than_give_its_alias_back() -> None:
    aws = Account()
    begun = datetime.now(UTC)
    run(aws)

    function, flows = aws.named("create_schedule")
    assert function["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:lambda:updateAlias"
    assert json.loads(function["Target"]["Input"]) == {
        "FunctionName": "etl_load_stable",
        "Name": "live",
        "FunctionVersion": "7",
        "RoutingConfig": {"AdditionalVersionWeights": {}},
    }
    assert flows["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:sfn:updateStateMachineAlias"
    assert json.loads(flows["Target"]["Input"]) == {
        "StateMachineAliasArn": f"{FLOW}:live",
        "RoutingConfiguration": [{"StateMachineVersionArn": f"{FLOW}:7", "Weight": 100}],
    }
    due = datetime.strptime(function["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)")
    assert 0 <= (due.replace(tzinfo=UTC) - begun).total_seconds() - 600 - GRACE + 1 < 60
    assert function["ActionAfterCompletion"] == "DELETE"
    policy = json.loads(aws.named("put_role_policy")[0]["PolicyDocument"])
    assert policy["Statement"] == [
        {"Effect": "Allow", "Action": ["lambda:UpdateAlias"], "Resource": [FUNCTION]},
        {
            "Effect": "Allow",
            "Action": ["states:UpdateStateMachineAlias"],
            "Resource": [FLOW, f"{FLOW}:live"],
        },
    ]
    made = aws.named("create_role")[0]
    assert made["Path"] == SCOPE.role_path
    assert {"Key": "tc:functor", "Value": "etl@stable"} in made["Tags"]
    trust = json.loads(made["AssumeRolePolicyDocument"])["Statement"][0]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_errors_give_everything_back_at_once() -> None:
    aws, time = Account(), Time()
    by_alias = ("etl_load_stable", "etl_load_stable:live", "8")
    time.at[100] = lambda: aws.metrics.update({by_alias: (41, 3)})

    outcome, told = run(aws, time=time)

    assert time.now < 120
    step, why = outcome.failed[0]
    assert step.key == "alias/etl_load_stable:live"
    assert why.code == "canary"
    assert why.message == "the new versions failed: function etl_load_stable: 3 of 41 calls"
    assert names(told)[-1] == "canary.returned"
    back = aws.named("update_alias")[-1]
    assert (back["FunctionVersion"], back["RoutingConfig"]) == ("7", NONE)
    routes = aws.named("update_state_machine_alias")[-1]["routingConfiguration"]
    assert routes == [{"stateMachineVersionArn": f"{FLOW}:7", "weight": 100}]
    assert aws.named("delete_role")
    assert len(aws.named("delete_schedule")) == 2


def test_errors_of_a_function_that_a_flow_calls_by_its_version_count() -> None:
    aws = Account()
    aws.metrics["etl_load_stable", "etl_load_stable:8"] = (5, 1)

    outcome, _ = run(aws)
    assert "1 of 5 calls" in outcome.failed[0][1].message


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_executions_that_fail_count_and_older_ones_do_not(status: str) -> None:
    aws = Account()
    aws.executions = ["SUCCEEDED", "RUNNING"]
    assert run(aws)[0].ok

    aws.executions = ["SUCCEEDED", status]
    step, why = run(aws)[0].failed[0]
    assert step.key == "flow alias/etl_stable"
    assert why.message == "the new versions failed: flow etl_stable: 1 of 2 calls"


def test_an_express_flow_is_watched_by_its_metrics() -> None:
    aws = Account()
    aws.executions = None
    aws.metrics[FLOW, "8"] = (4, 2)

    assert "flow etl_stable: 2 of 4 calls" in run(aws)[0].failed[0][1].message


def test_a_share_of_errors_may_be_tolerated() -> None:
    aws = Account()
    aws.metrics["etl_load_stable", "etl_load_stable:live", "8"] = (100, 1)

    assert run(aws, tolerate=1)[0].ok
    outcome, _ = run(aws, tolerate=0.5)
    assert "failed, more than 0.5 %: " in outcome.failed[0][1].message


def test_an_interrupt_gives_everything_back() -> None:
    aws, time = Account(), Time()

    def interrupt() -> None:
        raise KeyboardInterrupt

    time.at[50] = interrupt
    outcome, told = run(aws, time=time)

    assert outcome.interrupted
    assert names(told)[-1] == "canary.returned"
    assert aws.named("update_alias")[-1]["RoutingConfig"] == NONE
    assert aws.named("delete_role")


def test_what_cannot_be_given_back_is_left_to_the_schedules() -> None:
    aws, time = Account(), Time()

    def lost() -> None:
        aws.refused["update_alias"] = [error("ServiceException")]
        aws.metrics["etl_load_stable", "etl_load_stable:8"] = (1, 1)

    time.at[50] = lost
    outcome, told = run(aws, time=time)

    assert not outcome.ok
    assert "canary.returned" not in names(told)
    assert "a schedule does it" in told[-1].text
    assert aws.named("delete_schedule") == []
    assert aws.named("delete_role") == []


def test_without_what_stands_by_no_weight_is_put() -> None:
    aws = Account()
    aws.refused["create_schedule"] = [error("AccessDeniedException")]

    outcome, _ = run(aws)

    assert outcome.failed[0][1].code == "aws"
    assert [given["RoutingConfig"] for given in aws.named("update_alias")] == [NONE]


def test_the_group_of_the_topologys_own_schedules_stays() -> None:
    aws = Account()
    aws.group = True

    assert run(aws)[0].ok
    assert aws.named("delete_schedule_group") == []
    assert len(aws.named("delete_schedule")) == 2


def test_where_no_alias_moves_all_is_switched_at_once() -> None:
    aws = Account()
    step = alias()
    same = plan(step)
    assert step.actual
    known = {"version/etl_load_stable": {"version": "7"}}

    outcome = going(Canary(10, 600), SCOPE)(Plan(same.steps, known), aws, lambda event: None)  # type: ignore[arg-type]

    assert outcome.ok
    assert aws.named("create_schedule") == []


def test_what_was_not_called_at_all_is_said() -> None:
    told = run(Account())[1]
    passed = next(event for event in told if event.name == "canary.passed")
    assert passed.text == "Canary: what is new wasn't called at all, so nothing is known of it"


def test_two_looks_are_at_most_a_few_calls_apart() -> None:
    aws = Account()
    run(aws)

    looks = len(aws.named("get_metric_data"))
    assert 600 / 15 <= looks <= 600 / 15 + 1
    assert len(aws.named("list_executions")) == 3 * looks
