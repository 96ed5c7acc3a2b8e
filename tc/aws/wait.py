"""Waiting for AWS: always with a deadline, always with an end in failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.records import dataclass

T = TypeVar("T")

_GROWTH = 1.5
_SLOWEST = 5.0
#: seconds after which people are told what is being waited for
_SAY_AFTER = 3.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A probe's answer "not yet", with the state it saw (``Pending``)."""

    state: str


def until(
    what: str,
    probe: Callable[[], T | Waiting | None],
    *,
    deadline: float,
    emit: Emit,
    every: float = 0.5,
) -> T:
    """Call `probe` until it answers with something, and hand that on.

    `what` completes the sentence "Waiting for …". `deadline` is in seconds from
    now; `every` the first pause, which grows by half up to 5 s (`Aws.pace` is
    the right one). Raises TcError ``timeout`` with the last state seen.
    """
    state = ""
    for _ in _turns(what, deadline, every, emit):
        answer = probe()
        if isinstance(answer, Waiting):
            state = answer.state
        elif answer is not None:
            return answer
    seen = f"; last seen: {state}" if state else ""
    raise TcError(f"gave up waiting for {what} after {deadline:g} s{seen}", code="timeout")


def retrying(
    call: Callable[[], T],
    *,
    when: Callable[[AwsError], bool],
    what: str,
    deadline: float,
    emit: Emit,
    every: float = 0.5,
) -> T:
    """Do `call` again as long as it fails with an error of which `when` says so.

    For what AWS needs time to learn ("the role cannot be assumed"). After
    `deadline` seconds AWS's last error is raised, saying how long tc tried.
    """
    last: AwsError | None = None
    for _ in _turns(what, deadline, every, emit):
        try:
            return call()
        except AwsError as error:
            if not when(error):
                raise
            last = error
    assert last is not None
    raise AwsError(
        f"{last.message} (still so after {deadline:g} s of waiting for {what})",
        aws_code=last.aws_code,
        operation=last.operation,
        status=last.status,
        where=last.where,
        hint=last.hint,
    )


def _turns(what: str, deadline: float, every: float, emit: Emit) -> Iterator[None]:
    """One turn at once, then one after each pause, the last at the deadline."""
    start = time.monotonic()
    pause = every
    said = False
    while True:
        yield
        passed = time.monotonic() - start
        if passed >= deadline:
            return
        if passed >= _SAY_AFTER and not said:
            said = True
            emit(Event("wait", f"Waiting for {what}", {"what": what, "deadline": deadline}))
        time.sleep(min(pause, deadline - passed))
        pause = max(min(pause * _GROWTH, _SLOWEST), every)


#: error code -> words of its message that say "not yet" (empty: whatever it says)
_NOT_YET: dict[str, tuple[str, ...]] = {
    "InvalidParameterValueException": (
        "cannot be assumed",
        "KMS key is invalid for CreateGrant",
        "does not have permissions to call",
        "ensure the role can perform",
    ),
    "InvalidArgumentException": ("unable to assume role", "not authorized to perform"),
    "InvalidInputException": ("assume role permissions",),
    "AWS.SimpleQueueService.QueueDeletedRecently": (),
    "QueueDeletedRecently": (),
    "ResourceInUseException": ("event source mapping", "being created", "being updated"),
    "AccessDeniedException": ("authorized to assume", "cannot be assumed", "Log Destination"),
    "ValidationException": ("cannot be assumed", "authorized to assume", "assume the role"),
    "ResourceConflictException": ("in progress", "following state", "concurrent"),
    "ConcurrentModificationException": (),
    "ConcurrentAccessException": (),
    "StateMachineDeleting": (),
}


def not_yet(error: AwsError) -> bool:
    """Whether AWS only needs time: a role it has not heard of everywhere, a change
    in progress, a name that is being freed."""
    words = _NOT_YET.get(error.aws_code)
    if words is None:
        return False
    return not words or any(word in error.message for word in words)
