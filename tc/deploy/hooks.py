"""The user's own commands before the first change of a run and after its last one."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tc.errors import TcError, UsageError
from tc.events import Emit, Event
from tc.processes import Running, shell
from tc.records import dataclass
from tc.spec.hooks import Hook, OnFailure, When
from tc.spec.scope import TEMPLATE_NAMES, Scope

#: what a shell takes as one word, whatever stands around it
_PLAIN = re.compile(r"[A-Za-z0-9._/@:+=,-]*\Z")


@dataclass(frozen=True, slots=True)
class Call:
    """A hook with its templates filled; `environment` is what tc adds to the user's own."""

    when: When
    command: str
    dir: Path
    on_failure: OnFailure
    where: str
    environment: Mapping[str, str]


def calls(parts: Sequence[tuple[Sequence[Hook], Scope]], command: str) -> tuple[Call, ...]:
    """The hooks of a topology and its nested ones (`parts`, parents first), in running order.

    Before a change parents go first, after it last. `command` is tc's own
    (``create``). Raises UsageError when a template's value can't stand in a
    shell's command.
    """
    before = [(hook, scope) for hooks, scope in parts for hook in hooks if hook.when == "pre"]
    after = [
        (hook, scope) for hooks, scope in reversed(parts) for hook in hooks if hook.when == "post"
    ]
    return tuple(_call(hook, scope, command) for hook, scope in (*before, *after))


def _call(hook: Hook, scope: Scope, command: str) -> Call:
    values = {name: str(getattr(scope, name)) for name in TEMPLATE_NAMES}
    where = str(hook.address.file)
    for name, value in values.items():
        if re.search(r"\{\{\s*" + name + r"\s*\}\}", hook.command) and not _PLAIN.match(value):
            raise UsageError(
                f"`{{{{{name}}}}}` can't stand in the command of a hook: a shell takes "
                "its value for more than one word",
                code="hook-value",
                where=where,
                hint=f'write "$TC_{name.upper()}" in its place',
            )
    environment = {f"TC_{name.upper()}": value for name, value in values.items()}
    return Call(
        hook.when,
        scope.fill(hook.command),
        hook.dir,
        hook.on_failure,
        where,
        {**environment, "TC_COMMAND": command},
    )


def run(made: Iterable[Call], when: When, emit: Emit, masked: Callable[[str], str]) -> None:
    """Runs the `when` ones of `made`, one after the other, and tells what they print.

    `masked` takes the secrets out of a text. Raises TcError at the first failure
    whose hook says ``on_failure: exit``; any other is a warning.
    """
    for call in made:
        if call.when == when:
            _run(call, emit, masked)


def data(call: Call, masked: Callable[[str], str]) -> dict[str, str]:
    """A hook as it is told."""
    return {"when": call.when, "command": masked(call.command), "dir": str(call.dir)}


def _run(call: Call, emit: Emit, masked: Callable[[str], str]) -> None:
    told = data(call, masked)
    emit(Event("hook.started", f"Running {call.when} hook `{told['command']}`", told))
    started = time.monotonic()
    code = _output(call, lambda line: emit(_line(call, masked(line))))
    if not code:
        seconds = round(time.monotonic() - started, 3)
        emit(Event("hook.done", "", {**told, "seconds": seconds}))
        return
    how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
    message = f"the {call.when} hook `{told['command']}` {how}"
    if call.on_failure == "continue":
        emit(Event("warning", message, {"code": "hook-failed", "message": message, "hint": ""}))
        return
    state = "nothing was changed yet" if call.when == "pre" else "every change was made before"
    raise TcError(
        f"{message}; {state}",
        code="hook-failed",
        where=call.where,
        hint=f"run it by hand in {call.dir}, or set `on_failure: continue`",
    )


def _line(call: Call, text: str) -> Event:
    return Event("hook.output", f"{call.when} | {text}", {"when": call.when, "line": text})


def _output(call: Call, tell: Callable[[str], None]) -> int:
    """Runs the command, telling each line; its exit code."""
    program = shell(call.command, call.dir, {**os.environ, **call.environment})
    running = Running()
    try:
        return running.stream(program, tell)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        message = f"a {call.when} hook can't be run: {why}"
        raise TcError(message, code="hook-failed", where=call.where) from error
    finally:
        running.stop()
