"""The walk: failures and what follows from them, interrupts, things that are there already."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled
from fake_aws import FakeAws, refused

from tc.deploy.pipeline import carry_out
from tc.deploy.walk import Outcome
from tc.errors import TcError
from tc.events import Event, silent

TEXT = """
name: etl
routes: {/a: {function: one}, /b: {function: two}}
events: {E: {function: one}, F: {state: etl}}
flow: {StartAt: s, States: {s: {Type: Succeed}}}
"""


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def etl(directory: Directory) -> Directory:
    return directory.write(TEXT, "one two")


def when(operation: str, **fields: Any) -> Callable[[str, dict[str, Any]], Exception | None]:
    """A hook that refuses `operation` when it is given `fields`."""

    def hook(name: str, given: dict[str, Any]) -> Exception | None:
        if name == operation and all(given.get(key) == value for key, value in fields.items()):
            return refused("InternalFailure", f"no {operation}")
        return None

    return hook


def summary(outcome: Outcome) -> tuple[set[str], set[str], dict[str, str]]:
    """Titles: what is done, what failed, what was skipped because of what."""
    done = {f"{step.kind} {step.title}" for step in outcome.done}
    failed = {f"{step.kind} {step.title}" for step, _ in outcome.failed}
    skipped = {
        f"{step.kind} {step.title}": f"{cause.kind} {cause.title}"
        for step, cause in outcome.skipped
    }
    return done, failed, skipped


def test_a_failed_role_skips_all_that_needs_it_and_nothing_else(
    etl: Directory, aws: FakeAws
) -> None:
    role = "tc_etl_one_bob_eu-west-1"
    aws.hook = when("iam.create_role", RoleName=role)
    told: list[Event] = []
    done, failed, skipped = summary(create(aws, etl.topology(), emit=told.append))
    cause = f"role {role}"
    assert failed == {cause}
    assert skipped == dict.fromkeys(
        [
            "log group /aws/lambda/etl_one_bob",
            "function etl_one_bob",
            "event E",
            "permission etl_one_bob for api etl_bob",
            "permission etl_one_bob for event E",
        ],
        cause,
    )
    assert {"function etl_two_bob", "flow etl_bob", "event F", "api etl_bob"} <= done
    names = [event.name for event in told]
    assert names.count("step.failed") == 1
    assert names.count("step.skipped") == 5
    assert names.count("step.done") == len(done)
    skip = next(event for event in told if event.name == "step.skipped")
    assert skip.text.endswith(f"skipped, {cause} failed")
    assert skip.data["because"] == cause


def test_a_failed_api_skips_its_routes_and_their_permissions(etl: Directory, aws: FakeAws) -> None:
    aws.hook = when("apigatewayv2.import_api")
    _, failed, skipped = summary(create(aws, etl.topology()))
    assert failed == {"api etl_bob"}
    assert set(skipped) == {
        "route /a",
        "route /b",
        "permission etl_one_bob for api etl_bob",
        "permission etl_two_bob for api etl_bob",
    }


def test_nothing_more_is_tried_when_credentials_are_over(etl: Directory, aws: FakeAws) -> None:
    """Without them each further call would be refused too, and say the same."""
    over = TcError("the credentials have expired", code="credentials", hint="tc login -e dev")
    calls: list[str] = []

    def hook(name: str, _: dict[str, Any]) -> Exception | None:
        calls.append(name)
        return over if calls.count("lambda.create_function") else None

    aws.hook = hook
    told: list[Event] = []
    outcome = create(aws, etl.topology(), emit=told.append)
    assert [error for _, error in outcome.failed] == [over]
    assert not outcome.ok
    assert [event.name for event in told].count("step.failed") == 1
    assert {step.kind for step in outcome.done} >= {"role"}
    # what was being done at that moment may have been refused as well, nothing after it
    after = calls[calls.index("lambda.create_function") + 1 :]
    assert not {"events.put_rule", "apigatewayv2.import_api"} & set(after)


def test_nothing_is_removed_when_something_failed(etl: Directory, aws: FakeAws) -> None:
    create(aws, etl.topology())
    fewer = (
        TEXT.replace(", /b: {function: two}", "").replace("{s:", "{t:").replace("At: s", "At: t")
    )
    topology = etl.write(fewer).topology()
    aws.hook = when("stepfunctions.update_state_machine")
    _, failed, skipped = summary(create(aws, topology))
    assert failed == {"flow etl_bob"}
    assert skipped["route /b"] == "flow etl_bob"
    aws.hook = when("")
    assert create(aws, topology).ok
    settled(aws, topology)


@pytest.mark.parametrize(
    ("operation", "thing"),
    [
        ("iam.create_role", "role"),
        ("lambda.create_function", "function"),
        ("logs.create_log_group", "log group"),
        ("stepfunctions.create_state_machine", "flow"),
        ("lambda.add_permission", "permission"),
    ],
)
def test_ours_that_appeared_meanwhile_is_joined(
    etl: Directory, aws: FakeAws, operation: str, thing: str
) -> None:
    """Another run of the same sandbox was a moment faster."""
    topology = etl.topology()
    prepared = plan(aws, topology)
    create(aws, topology)
    routes = [step for step in prepared.plan.steps if step.kind == thing]
    assert routes
    prepared_only = type(prepared.plan)(tuple(routes), {})
    from tc.deploy.walk import walk

    if thing == "permission":
        outputs = {key: found.outputs for key, found in plan(aws, topology).found.items()}
        prepared_only = type(prepared.plan)(tuple(routes), outputs)
    aws.forget()
    outcome = walk(prepared_only, aws, silent)
    assert failures(outcome) == []
    assert operation in aws.writes()
    settled(aws, topology)


def test_another_s_that_appeared_meanwhile_is_left_alone(etl: Directory, aws: FakeAws) -> None:
    topology = etl.topology()
    prepared = plan(aws, topology)
    aws.logs_create_log_group("/aws/lambda/etl_one_bob", {"tc:functor": "etl@alice"})
    outcome = carry_out(prepared, aws, silent)
    ((step, error),) = outcome.failed
    assert error.code == "not-owned"
    assert step.title == "/aws/lambda/etl_one_bob"
    group = aws.groups["/aws/lambda/etl_one_bob"]
    assert group == {"days": None, "tags": {"tc:functor": "etl@alice"}}
    assert "etl_one_bob" not in aws.functions


def test_a_function_that_lambda_cannot_run_is_a_failure_after_all(
    etl: Directory, aws: FakeAws
) -> None:
    def broken(name: str, given: dict[str, Any]) -> None:
        if name == "lambda.create_function" and given["FunctionName"] == "etl_one_bob":
            aws.functions["etl_one_bob"]["configuration"].update(
                State="Failed", StateReason="the layer is broken"
            )

    aws.after = broken
    outcome = create(aws, etl.topology())
    assert failures(outcome) == [
        "function etl_one_bob: Lambda can't run etl_one_bob: the layer is broken"
    ]
    assert "function etl_one_bob" not in summary(outcome)[0]
    assert not outcome.ok


def test_a_function_that_never_gets_ready_is_a_failure_with_an_end(
    etl: Directory, aws: FakeAws
) -> None:
    def pending(name: str, given: dict[str, Any]) -> None:
        if name == "lambda.create_function" and given["FunctionName"] == "etl_two_bob":
            aws.functions["etl_two_bob"]["configuration"]["State"] = "Pending"

    aws.after = pending
    assert failures(create(aws, etl.topology())) == [
        "function etl_two_bob: function etl_two_bob took too long"
    ]


def test_an_interrupt_starts_nothing_new_and_finishes_what_runs(
    etl: Directory, aws: FakeAws
) -> None:
    topology = etl.topology()

    def emit(event: Event) -> None:
        if event.name == "step.done":
            raise KeyboardInterrupt

    prepared = plan(aws, topology)
    outcome = carry_out(prepared, aws, emit_once(emit))
    assert outcome.interrupted
    assert not outcome.ok
    assert outcome.failed == []
    assert 0 < len(outcome.done) < len(prepared.plan.work)
    assert not aws.functions
    assert create(aws, topology).ok
    settled(aws, topology)


def emit_once(emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """`emit` until it raises, then nobody is told."""
    raised = threading.Event()

    def told(event: Event) -> None:
        if raised.is_set():
            return
        try:
            emit(event)
        except KeyboardInterrupt:
            raised.set()
            raise

    return told


def test_a_bug_is_not_swallowed(etl: Directory, aws: FakeAws) -> None:
    aws.hook = lambda name, given: ZeroDivisionError() if name == "iam.create_role" else None
    with pytest.raises(ZeroDivisionError):
        create(aws, etl.topology())


def test_two_walks_tell_the_same_facts(etl: Directory) -> None:
    facts = []
    for _ in range(2):
        told: list[Event] = []
        aws = FakeAws()
        create(aws, etl.topology(), emit=told.append)
        delete(aws, etl.topology())
        facts.append(sorted(f"{event.name} {event.text} {event.data['key']}" for event in told))
    assert facts[0] == facts[1]
    done = [fact for fact in facts[0] if fact.startswith("step.done")]
    assert any("Creating route /a (OK)" in fact for fact in done)
    assert any("Creating function etl_one_bob (" in fact and " B)" in fact for fact in done)


def test_done_tells_every_step_of_the_plan_once(etl: Directory, aws: FakeAws) -> None:
    prepared = plan(aws, etl.topology())
    outcome = carry_out(prepared, aws, silent)
    assert sorted(s.key for s in outcome.done) == sorted(s.key for s in prepared.plan.work)
    assert set(outcome.outputs) >= {"api/etl_bob", "function/etl_one_bob"}
