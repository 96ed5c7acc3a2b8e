"""What takes its time: the run of a flow, what an event or a message leads to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Any

from tc.components.protocol import Aws
from tc.deploy import invoke
from tc.deploy.invoke import Answer, flow_answer
from tc.errors import AwsError
from tc.events import silent
from tc.records import dataclass
from tc.spec.test import Case
from tc.spec.topology import Flow, Id, Topology
from tc.testing.compare import includes

#: seconds between two looks: the first, then growing to the last
_PAUSES = (0.2, 0.4, 0.8, 1.5, 2.0)
_RUNNING = ("RUNNING", "PENDING_REDRIVE")
#: seconds between two looks at whether the run is stopped, and those that a call has after that
_NOTICED_S, _GRACE_S = 0.2, 5.0
#: executions that are looked at; the newest come first
_LATEST = 100
#: lines that Lambda writes (Lambda developer guide, "Understanding the Lambda log format")
_LAMBDAS = ("INIT_START ", "START RequestId:", "END RequestId:", "REPORT RequestId:")
#: seconds before now that the clocks here and there may differ by
_SKEW_S = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """Looks until `within` seconds are over, or the run is `stopped`."""

    within: float
    stopped: threading.Event

    def looks(self) -> Iterator[None]:
        """Once for each look."""
        end = time.monotonic() + self.within
        turn = 0
        while not self.stopped.is_set():
            yield
            pause = _PAUSES[min(turn, len(_PAUSES) - 1)]
            left = end - time.monotonic()
            if left <= 0:
                return
            self.stopped.wait(min(pause, left))
            turn += 1

    @property
    def over(self) -> str:
        """Why nothing is looked at any more."""
        return "interrupted" if self.stopped.is_set() else f"after {self.within:g} s"


def in_time(call: Callable[[], Answer], waiting: Waiting) -> Answer:
    """What `call` answers, unless that takes too long: what was called goes on by itself then,
    and nobody waits for it. What it raises is raised here."""
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True, name="called").start()
    end = time.monotonic() + waiting.within
    while not answer.done() and not waiting.stopped.is_set() and time.monotonic() < end:
        wait([answer], min(_NOTICED_S, max(0.0, end - time.monotonic())))
    if waiting.stopped.is_set():
        wait([answer], _GRACE_S)
    if not answer.done():
        return Answer(False, None, f"no answer: given up {waiting.over}")
    return answer.result()


def run_flow(aws: Aws, flow: Flow, payload: Any, waiting: Waiting) -> Answer:
    """Runs the flow to its end. An execution that takes too long is stopped: nobody else
    would know of it."""
    if flow.mode == "Express":
        return in_time(lambda: invoke.run_flow(aws, flow, payload, silent), waiting)
    arn = invoke.start_flow(aws, flow, payload).facts["execution"]
    for _ in waiting.looks():
        ended = _execution(aws, arn)
        if ended["status"] not in _RUNNING:
            return flow_answer(ended, {"execution": arn})
    cause = f"a test gave up on it, {waiting.over}"
    aws.call("stepfunctions", "stop_execution", executionArn=arn, error="tc", cause=cause)
    return Answer(False, None, f"the flow didn't end: stopped {waiting.over}")


def reach(
    aws: Aws,
    case: Case,
    topology: Topology,
    reached: Id,
    expected: Any,
    payload: Any,
    send: Callable[[], Answer],
    waiting: Waiting,
) -> Answer:
    """Sends, and waits for what it leads to in `reached`: the output of the execution that got
    `payload`; of a function the lines it logged, when one has `expected`.

    What was there before is left out, so that no earlier run is taken for this one.
    """
    kind, name = reached
    if kind == "flow":
        return _flow(aws, topology.flows[name], payload, send, waiting)
    group = f"/aws/lambda/{topology.function_name(name)}"
    pattern = str(expected) if case.entry.condition == "regex" else re.escape(str(expected))
    return _log(aws, name, group, re.compile(pattern), send, waiting)


def _execution(aws: Aws, arn: str) -> dict[str, Any]:
    return aws.call("stepfunctions", "describe_execution", executionArn=arn)


def _flow(
    aws: Aws, flow: Flow, payload: Any, send: Callable[[], Answer], waiting: Waiting
) -> Answer:
    others = set(_executions(aws, flow))
    send()
    ours = ""
    for _ in waiting.looks():
        for arn in [] if ours else _executions(aws, flow):
            if arn not in others and _holds(payload, _execution(aws, arn).get("input", "")):
                ours = arn
                break
            others.add(arn)
        ended = _execution(aws, ours) if ours else {}
        if ended and ended["status"] not in _RUNNING:
            return flow_answer(ended, {"execution": ours})
    started = f"the flow is still running: {ours}" if ours else "no run of the flow got it"
    return Answer(False, None, f"{started}, {waiting.over}")


def _executions(aws: Aws, flow: Flow) -> list[str]:
    """The ARNs of the latest executions."""
    page = aws.call(
        "stepfunctions", "list_executions", stateMachineArn=flow.arn, maxResults=_LATEST
    )
    return [execution["executionArn"] for execution in page["executions"]]


def _holds(payload: Any, text: str) -> bool:
    """Whether an execution's input has `payload` anywhere in it: the event around it, and what
    a rule makes of it, differ."""
    try:
        data = json.loads(text)
    except ValueError:
        return False
    return any(includes(payload, part) for part in _parts(data))


def _parts(data: Any) -> Iterator[Any]:
    yield data
    if isinstance(data, str) and data.lstrip()[:1] in ("{", "["):
        try:
            yield from _parts(json.loads(data))
        except (ValueError, RecursionError):
            return
    for value in (
        data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    ):
        yield from _parts(value)


def _log(
    aws: Aws,
    name: str,
    group: str,
    pattern: re.Pattern[str],
    send: Callable[[], Answer],
    waiting: Waiting,
) -> Answer:
    since = int((time.time() - _SKEW_S) * 1000)
    before = {key for key, _ in _lines(aws, group, since)}
    send()
    lines: list[str] = []
    for _ in waiting.looks():
        lines = [text for key, text in _lines(aws, group, since) if key not in before]
        found = next((text for text in lines if pattern.search(text)), None)
        if found is not None:
            return Answer(True, found)
    told = "no line that is expected" if lines else "nothing"
    return Answer(False, "\n".join(lines), f"`{name}` logged {told}, {waiting.over}")


def _lines(aws: Aws, group: str, since: int) -> list[tuple[str, str]]:
    """(what tells it from others, text) of each line that the function logged itself."""
    try:
        found = list(
            aws.pages("logs", "filter_log_events", "events", logGroupName=group, startTime=since)
        )
    except AwsError as error:
        if error.missing:
            return []
        raise
    return [
        (
            event.get("eventId")
            or f"{event.get('logStreamName')} {event['timestamp']} {event['message']}",
            event["message"].rstrip("\n"),
        )
        for event in found
        if not event["message"].startswith(_LAMBDAS)
    ]
