"""Runs tests against a sandbox: many at once, told in their order."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field
from functools import partial
from typing import Any, Protocol

from tc.components import protocol
from tc.components.route_model import path as written_path
from tc.deploy import invoke
from tc.deploy.addresses import RouteAddress
from tc.deploy.answering import route_addresses
from tc.deploy.invoke import Answer
from tc.deploy.invoked import chosen
from tc.deploy.values import secrets
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.records import dataclass
from tc.spec.fetched import Secret, is_reference, masked, revealed
from tc.spec.test import IAM, LONGEST_S, S3, Case
from tc.spec.topology import Topology
from tc.testing.compare import difference, pretty
from tc.testing.waiting import Waiting, in_time, reach, run_flow

_WORKERS = 16
#: lines of a handler's stack that are told
_TRACE = 20


class Aws(protocol.Aws, Protocol):
    """The door to AWS, which signs requests to routes too."""

    def variables(self) -> dict[str, str]: ...
    def sign(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], /
    ) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Test:
    """A test of `topology`; `name` is its own among all that are run."""

    __test__ = False

    name: str
    case: Case
    topology: Topology

    @property
    def called(self) -> tuple[str, str]:
        """(kind, name) of what it calls; `tc.testing.check` has seen that there is one."""
        found = chosen(self.topology, self.case.entity or None)
        assert found
        return found

    @property
    def entity(self) -> str:
        """What it calls, as ``-c`` says it."""
        kind, name = self.called
        return f"flow/{name}" if kind == "flow" else f"{kind}s/{name.lstrip('/')}"

    @property
    def functions(self) -> list[str]:
        """The functions whose logs tell more: none where it may be any."""
        reaches = self.case.entry.reaches
        kind, name = (chosen(self.topology, reaches) if reaches else None) or self.called
        if kind == "function":
            return [name]
        entry = self.topology.entries.get(f"{kind}s", {}).get(name)
        return [of for what, of in (entry.targets if entry else ()) if what == "function"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a test ended. `message` says in a line why it failed, `difference` is a unified diff,
    `trace` the handler's stack; `broken` when nothing could be called, `missing` when that isn't
    deployed. `answer` is what came back, as text."""

    test: Test
    ok: bool
    seconds: float
    message: str = ""
    difference: str = ""
    trace: tuple[str, ...] = ()
    answer: str = ""
    broken: bool = False
    missing: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "test": self.test.name,
            "ok": self.ok,
            "seconds": self.seconds,
            "message": self.message,
            "diff": self.difference,
            "trace": list(self.trace),
        }


@dataclass(slots=True)
class Known:
    """What several tests need, fetched once: where routes answer, by topology and name; of each
    `auth` what may not be shown. When the run is interrupted, it is `stopped`."""

    routes: dict[tuple[str, str], list[RouteAddress]] = field(default_factory=dict)
    values: Mapping[str, Secret] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)


def run(tests: Sequence[Test], aws: Aws, emit: Emit) -> Iterator[Result]:
    """The results, in the order of `tests`, each as soon as it and those before it are there.

    Raises TcError when nothing can be tested at all: no credentials, a secret that isn't there.
    When it is interrupted no more is started, and what is in flight ends.
    """
    known = _known(tests, aws)
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="test")
    futures: list[Future[Result]] = []
    try:
        for test in tests:
            emit(Event("test.started", "", {"test": test.name, "entity": test.entity}))
            futures.append(pool.submit(run_one, test, aws, known))
        for future in futures:
            yield future.result()
    finally:
        known.stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _known(tests: Sequence[Test], aws: Aws) -> Known:
    users: dict[str, list[str]] = {}
    by_topology: dict[str, tuple[Topology, list[str]]] = {}
    for test in tests:
        auth = test.case.entry.auth
        if auth and is_reference(auth):
            users.setdefault(auth, []).append(test.name)
        kind, name = test.called
        if kind == "route":
            by_topology.setdefault(test.topology.name, (test.topology, []))[1].append(name)
    routes = {
        (topology.name, name): there
        for topology, names in by_topology.values()
        for name, there in route_addresses(topology, aws, names).items()
    }
    values = dict(secrets(aws, users))
    if any(test.case.entry.auth == IAM for test in tests):
        # goes with what is signed, to the handler too
        values[IAM] = Secret("AWS_SESSION_TOKEN", aws.variables().get("AWS_SESSION_TOKEN", ""))
    return Known(routes, values)


def run_one(test: Test, aws: Aws, known: Known) -> Result:
    """Runs one test. Raises TcError for what isn't the test's fault: credentials."""
    started = time.monotonic()
    try:
        answer = _answer(test, aws, known)
    except (AwsError, _Unanswered) as error:
        aws_code = error.aws_code if isinstance(error, AwsError) else ""
        missing = error.code == "not-deployed" or (isinstance(error, AwsError) and error.missing)
        message = _missing(test) if missing else error.message
        told = f"{message} [{aws_code}]" if aws_code and not missing else message
        return Result(test, False, _since(started), told, broken=True, missing=missing)
    seconds = _since(started)
    value = known.values.get(test.case.entry.auth or "")
    return _judged(test, answer, seconds, [value] if value else [])


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


class _Unanswered(TcError):
    """Nothing came back that could be judged."""


def _missing(test: Test) -> str:
    kind, name = test.called
    return f"the {kind} `{name}` isn't deployed in sandbox `{test.topology.scope.sandbox}`"


def _judged(test: Test, answer: Answer, seconds: float, hidden: Iterable[Secret]) -> Result:
    """Whether `answer` is what the test expects."""
    message, differs, trace = _verdict(test, answer)
    text = masked(pretty(answer.output), hidden)
    if not message:
        return Result(test, True, seconds, answer=text)
    lines = tuple(masked(line, hidden) for line in trace)
    return Result(
        test, False, seconds, masked(message, hidden), masked(differs, hidden), lines, text
    )


def _verdict(test: Test, answer: Answer) -> tuple[str, str, Sequence[str]]:
    """(why it failed, what differs, the handler's stack); all empty when it is right."""
    entry = test.case.entry
    if entry.error is not None:
        if answer.ok:
            return f"it succeeded, and should fail with `{entry.error}`", pretty(answer.output), ()
        if entry.error in answer.error:
            return "", "", ()
        return f"it failed with another error: {answer.error}", "", _trace(answer.output)
    status = answer.facts.get("status") if test.called[0] == "route" else None
    if status is not None and entry.status is not None and status != entry.status:
        return f"HTTP {status}, not {entry.status}", pretty(answer.output), ()
    if not answer.ok and not (status is not None and entry.status == status):
        is_told = status is not None or (entry.reaches and answer.output)
        shown = pretty(answer.output) if is_told else ""
        return answer.error, shown, _trace(answer.output)
    differs = difference(test.case, test.topology.scope.fill(entry.expect), answer.output)
    if differs:
        return "the answer isn't what is expected", differs, ()
    return "", "", ()


def _trace(output: Any) -> list[str]:
    """The stack of a handler's error as Lambda hands it on: Python's `stackTrace`, Node's
    `trace`."""
    if not isinstance(output, dict):
        return []
    stack = output.get("stackTrace") or output.get("trace") or []
    lines = [line for part in stack if isinstance(part, str) for line in part.splitlines()]
    return lines[-_TRACE:]


def _answer(test: Test, aws: Aws, known: Known) -> Answer:
    """What comes back of what the test calls, or reaches."""
    kind, name = test.called
    topology, entry = test.topology, test.case.entry
    payload = _payload(test, aws)
    waiting = Waiting(entry.within, known.stopped)
    if entry.reaches:
        reached = chosen(topology, entry.reaches)
        assert reached
        expected = topology.scope.fill(entry.expect)
        send = partial(_call, test, aws, payload)
        return reach(aws, test.case, topology, reached, expected, payload, send, waiting)
    if kind == "flow":
        return run_flow(aws, topology.flows[name], payload, waiting)
    if kind == "route":
        return in_time(partial(_ask, test, aws, known, payload), waiting)
    if "within" not in entry.model_fields_set:
        waiting = Waiting(LONGEST_S, known.stopped)
    return in_time(partial(_call, test, aws, payload), waiting)


def _call(test: Test, aws: Aws, payload: Any) -> Answer:
    kind, name = test.called
    if kind == "function":
        return invoke.invoke_function(aws, test.topology.called_name(name), payload)
    send = invoke.send_event if kind == "event" else invoke.send_message
    return send(aws, test.topology, name, payload)


def _payload(test: Test, aws: Aws) -> Any:
    payload = test.case.payload
    if not (isinstance(payload, str) and payload.startswith(S3)):
        return test.topology.scope.fill(payload)
    where = test.topology.scope.fill(payload)
    bucket, _, key = where.removeprefix(S3).partition("/")
    try:
        return json.loads(aws.call("s3", "get_object", Bucket=bucket, Key=key)["Body"])
    except AwsError as error:
        why = "isn't there" if error.missing else f"can't be read: {error.message}"
        raise _Unanswered(f"{where} {why} [{error.aws_code}]", code="payload") from error
    except ValueError as error:
        raise _Unanswered(f"{where} is no JSON: {error}", code="payload") from None


def _ask(test: Test, aws: Aws, known: Known, payload: Any) -> Answer:
    """What a route answers."""
    entry, scope = test.case.entry, test.topology.scope
    name = test.called[1]
    there = known.routes.get((test.topology.name, name), [])
    wanted = (entry.method or "").upper()
    address = next((a for a in there if wanted in ("", a.method) or a.method == "ANY"), None)
    if address is None:
        if not there:
            raise _Unanswered(_missing(test), code="not-deployed")
        listed = ", ".join(a.method for a in there)
        raise _Unanswered(f"the route `{name}` has no {wanted}, but {listed}", code="no-answer")
    url = address.url
    if entry.path is not None:
        own = written_path(test.topology.entries["routes"][name])
        before = address.path.removesuffix(own)
        url = f"{url.removesuffix(address.path)}{before}/{scope.fill(entry.path).lstrip('/')}"
    auth = known.values.get(entry.auth or "", entry.auth)
    sign = aws.sign if entry.auth == IAM else None
    headers = {key: str(scope.fill(value)) for key, value in entry.headers.items()}
    headers |= {"Authorization": str(revealed(auth))} if auth and not sign else {}
    method = wanted or address.method
    try:
        return invoke.call_route(url, method, payload, headers, entry.within, sign)
    except TcError as error:
        if error.code != "no-answer":
            raise
        raise _Unanswered(error.message, code=error.code) from error
