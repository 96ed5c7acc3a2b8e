"""Long answers of the engine, one step after the other: a pull, a build, a push."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from queue import SimpleQueue
from typing import Any

from tc.build.commands import masked
from tc.build.container.client import disk_full, foreign_cpu, is_full
from tc.errors import TcError
from tc.events import Emit, Event
from tc.processes import Running

#: lines of output that an error tells
_TAIL = 30
#: what the engine says of its own doing
_NOISE = ("--->", "Removing intermediate container")
#: colours and cursor movements of a terminal (ECMA-48 control sequences)
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


Step = Mapping[str, Any]


class StepError(Exception):
    """A step that failed: what the engine says of it, and the last lines before."""

    def __init__(self, said: str, lines: list[str]):
        super().__init__(said)
        self.said, self.lines = said, lines


def told(
    call: Callable[[], Iterable[Step]],
    what: str,
    image: str,
    arch: str,
    emit: Emit,
    running: Running,
) -> str:
    """Tells the steps that `call` asks for; the digest that a registry gave, if any.

    Raises TcError for an error in one of them.
    """
    try:
        return followed(call, what, emit, running)
    except StepError as error:
        raise _failed(error, what, image, arch) from error


def followed(call: Callable[[], Iterable[Step]], what: str, emit: Emit, running: Running) -> str:
    """As `told`, but raises StepError."""
    lines: list[str] = []
    digest = ""
    moved = _Moved(what, emit)
    for step in _until_stopped(call, running):
        if "error" in step:
            raise StepError(str(step["error"]), lines[-_TAIL:])
        digest = str((step.get("aux") or {}).get("Digest") or digest)
        moved.see(step)
        for line in str(step.get("stream") or "").splitlines():
            said = masked(_CONTROL.sub("", line)).strip()
            if said and not said.startswith(_NOISE):
                lines.append(said)
                emit(Event("progress", said, {"what": what}))
    return digest


def _until_stopped(call: Callable[[], Iterable[Step]], running: Running) -> Iterator[Step]:
    """What `call` gives; an interrupt ends it at once.

    docker's streams can't be closed by another thread, and a registry that doesn't answer isn't
    even one. So a thread reads that nobody waits for: its connection ends with the process, and
    with that the work on the other side.
    """
    steps: SimpleQueue[Step | BaseException | None] = SimpleQueue()

    def read() -> None:
        try:
            for step in call():
                steps.put(step)
        except BaseException as error:  # raised where it is waited for
            steps.put(error)
        else:
            steps.put(None)

    def stop() -> None:
        steps.put(TcError("the work of the container engine was interrupted", code="interrupted"))

    with running.ended_by(stop):
        threading.Thread(target=read, daemon=True).start()
        while (step := steps.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step


class _Moved:
    """The bytes of an image that are on their way, told once a second."""

    def __init__(self, what: str, emit: Emit):
        self._what, self._emit = what, emit
        self._parts: dict[str, tuple[int, int]] = {}
        self._told = 0.0

    def see(self, step: Step) -> None:
        detail = step.get("progressDetail") or {}
        total = detail.get("total")
        # after it was moved a layer is unpacked, which is counted anew
        if not total or step.get("status") == "Extracting":
            return
        self._parts[str(step.get("id"))] = (int(detail.get("current", 0)), int(total))
        if time.monotonic() - self._told < 1:
            return
        self._told = time.monotonic()
        done, whole = (sum(part[index] for part in self._parts.values()) for index in (0, 1))
        data = {"what": self._what, "done": done, "total": whole, "unit": "bytes"}
        self._emit(Event("progress", self._what, data))


def _failed(error: StepError, what: str, image: str, arch: str) -> TcError:
    output = "\n".join(f"  {line}" for line in error.lines)
    whole = f"{error.said}\n{output}".lower()
    if is_full(whole):
        return disk_full(what)
    if "exec format error" in whole:
        return foreign_cpu(image, arch)
    return TcError(
        f"{what} failed: {masked(error.said)}"
        + (f"; its output ended:\n{output}" if output else ""),
        code="container-failed",
        where=image,
    )
