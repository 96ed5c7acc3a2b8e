"""The log of an environment: lines with the time they were written, cut per invocation."""

from __future__ import annotations

import threading
import time
from typing import IO, Any

MARK = "\0tc:end:"  # the process writes it and the request's id when an invocation is over
NEWLINE = "\x1e"  # stands for a line break inside one record
LONGEST = 256 * 1024  # bytes; CloudWatch's limit of an event
PATIENCE = 1.0  # seconds for what is still in the pipe

Line = tuple[int, str]  # milliseconds since 1970, text


class LogText(str):
    """The text the engine hands about, with the times and the stream that belong to it."""

    lines: list[Line]
    stream: str

    @classmethod
    def of(cls, stream: str, lines: list[Line], *, start: str, end: list[str]) -> LogText:
        now = int(time.time() * 1000)
        first = lines[0][0] if lines else now
        every = [(first, start), *lines, *((now, text) for text in end)]
        made = cls("\n".join(text for _, text in every))
        made.lines, made.stream = every, stream
        return made


class LogLines:
    """Reads a pipe to its end in a thread of its own: a full pipe would stop the handler."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: list[Line] = []
        self._marks: set[str] = set()
        self._open = False
        self._thread: threading.Thread | None = None

    def follow(self, pipe: IO[bytes] | None) -> None:
        self._open = True
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def add(self, text: str) -> None:
        with self._changed:
            self._lines.append((int(time.time() * 1000), text))

    def finish(self) -> None:
        """Wait for the rest of a process that has ended."""
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def take(self, request_id: str, *, alive: bool) -> list[Line]:
        """What was written up to the end of that invocation; nothing is given twice."""
        with self._changed:
            if alive:
                self._changed.wait_for(
                    lambda: request_id in self._marks or not self._open, PATIENCE
                )
            self._marks.discard(request_id)
            taken, self._lines = self._lines, []
        return taken

    def _read(self, pipe: Any) -> None:
        with pipe:
            for raw in iter(lambda: pipe.readline(LONGEST), b""):
                self._note(raw.decode(errors="replace").rstrip("\r\n"))
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _note(self, text: str) -> None:
        text, marked, request_id = text.partition(MARK)
        with self._changed:
            if text or not marked:
                self._lines.append((int(time.time() * 1000), text.replace(NEWLINE, "\n")))
            if marked:
                self._marks.add(request_id)
                self._changed.notify_all()
