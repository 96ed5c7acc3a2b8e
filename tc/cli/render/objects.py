"""``--json``: one JSON object per line per event on stdout, and nothing else there."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tc.cli.render.explain import details, explain
from tc.cli.render.sink import Clock, Sink
from tc.cli.render.text import safe
from tc.errors import AwsError, InvalidInput, TcError
from tc.events import Event


class Json:
    """``{"time": …, "event": "step.done", "text": …, …}``: the event's data beside its name.

    An error is ``{"event": "error", "code", "message", "where", "hint"}``; each problem
    in the user's files is an object of its own before it, ``{"event": "problem", …}``.
    """

    def __init__(self, out: Sink, err: Sink, now: Clock) -> None:
        self._out, self._err, self._now = out, err, now
        self._lock = threading.RLock()

    @property
    def gone(self) -> bool:
        """Whether nobody reads any more."""
        return self._out.gone

    def emit(self, event: Event) -> None:
        """Print `event`."""
        text = {"text": event.text} if event.text else {}
        self._print(event.name, {**text, **event.data})

    def error(self, error: BaseException) -> None:
        """Print `error` as one object, after one for each of its problems."""
        known = explain(error, self._now)
        if known is None:
            return
        for problem in known.problems if isinstance(known, InvalidInput) else ():
            names = ("file", "line", "col", "code", "message", "hint", "severity")
            self._print("problem", {name: getattr(problem, name) for name in names})
        self._print("error", _fields(known))
        self._err.write(safe(details(error), keep="\n\t"))

    def close(self) -> None:
        """See `Printer`."""
        lost = self._out.lost()
        if lost is not None:
            self._err.write(f"error[{lost.code}]: {lost.message}\n")
            raise SystemExit(lost.exit_code)

    def _print(self, name: str, data: Mapping[str, Any]) -> None:
        with self._lock:
            when = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
            head = {"time": when.replace("+00:00", "Z"), "event": name}
            self._out.write(_dumped({**head, **data, **head}) + "\n")


def _fields(error: TcError) -> dict[str, Any]:
    names = ["code", "message", "where", "hint"]
    if isinstance(error, AwsError):
        names += ["aws_code", "operation", "status"]
    return {name: getattr(error, name) for name in names}


def _dumped(value: Any) -> str:
    """`value` as JSON in ASCII, so that no encoding and no terminal can misread it."""
    try:
        return json.dumps(value, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    """`value` with null for the numbers that JSON lacks; a handler's answer may hold them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
