"""A stream that can be written to whatever becomes of the other end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TextIO

from tc.errors import TcError

Clock = Callable[[], float]

#: cells of a line where no terminal says how wide it is
_WIDTH = 200


class Sink:
    """stdout or stderr.

    Facts are told while a sandbox is changed, from several threads: a reader that
    goes away must not stop the work in the middle, so writing never raises. `gone`
    tells that the reader left, `lost` what else went wrong.
    """

    def __init__(self, stream: TextIO | None, terminal: bool | None = None) -> None:
        self._stream = stream
        self._failure: OSError | None = None
        self.gone = stream is None
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self.terminal = self._is_terminal() if terminal is None else terminal

    def write(self, text: str) -> int:
        """Write `text`; a character that the stream's encoding lacks becomes an escape."""
        if self._stream is not None and not self.gone and self._failure is None:
            known = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
            self._guarded(self._stream, known)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: `write` does."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.terminal

    def fileno(self) -> int:
        """The stream's descriptor; OSError when it has none."""
        if self._stream is None:
            raise OSError("no stream")
        return self._stream.fileno()

    @property
    def width(self) -> int:
        """Cells of a line."""
        if not self.terminal:
            return _WIDTH
        columns = os.environ.get("COLUMNS", "")
        if columns.isdecimal() and int(columns) > 0:
            return int(columns)
        try:
            return os.get_terminal_size(self.fileno()).columns or 80
        except OSError:
            return 80

    def lost(self) -> TcError | None:
        """The error that kept a part of the output from being written; told once."""
        failure, self._failure = self._failure, None
        if failure is None:
            return None
        self.gone = True
        return TcError(
            f"The output could not be written: {failure.strerror or failure}.", code="output"
        )

    def _is_terminal(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:
            return False

    def _guarded(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            self.gone = True
            _discard(stream)
        except OSError as error:
            self._failure = error
            _discard(stream)


def _discard(stream: TextIO) -> None:
    """What `stream` still holds goes nowhere, or Python complains about it at exit."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
