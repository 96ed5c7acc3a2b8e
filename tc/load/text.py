"""Files to text: what can go wrong before a single character is parsed."""

from __future__ import annotations

import codecs
import stat
from pathlib import Path

from tc.spec.finding import Address, Finding

MAX_BYTES = 5 * 1024 * 1024
#: what is nested deeper than this, no person wrote
MAX_DEPTH = 100

Position = tuple[int, int, int]


def read_text(file: Path, findings: list[Finding]) -> str | None:
    """The text of `file`, or None and a finding that says why not."""
    try:
        return _decode(_read(file))
    except _Refused as refused:
        findings.append(Finding(refused.code, str(refused), Address(file), refused.hint))
    except OSError as error:
        why = error.strerror or type(error).__name__
        findings.append(Finding("unreadable", f"can't be read: {why}", Address(file)))
    return None


def is_file(path: Path) -> bool:
    """`Path.is_file` for any name a user may write: a name too long is no file."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_dir(path: Path) -> bool:
    """`Path.is_dir` for any name a user may write."""
    try:
        return path.is_dir()
    except OSError:
        return False


def exists(path: Path) -> bool:
    """Whether something is there, be it a link to nowhere."""
    try:
        return path.is_symlink() or path.exists()
    except OSError:
        return False


class _Refused(Exception):
    def __init__(self, code: str, message: str, hint: str = ""):
        super().__init__(message)
        self.code = code
        self.hint = hint


def _read(file: Path) -> bytes:
    status = file.stat()
    if stat.S_ISDIR(status.st_mode):
        raise _Refused("unreadable", "is a directory, a file was expected")
    if not stat.S_ISREG(status.st_mode):
        raise _Refused("unreadable", "is not a regular file")
    if status.st_size > MAX_BYTES:
        size = status.st_size / 1024 / 1024
        raise _Refused("too-large", f"is {size:.1f} MiB; at most {MAX_BYTES >> 20} MiB are read")
    return file.read_bytes()


def _decode(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _Refused("encoding", "is UTF-16, UTF-8 was expected", "save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start]
        raise _Refused(
            "encoding", f"is not UTF-8: byte 0x{byte:02x} in line {line}", "save it as UTF-8"
        ) from None


def position(text: str, offset: int, width: int = 1) -> Position:
    """Line and column (from 1) of the character at `offset`, and `width` as given."""
    offset = min(offset, len(text))
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset), max(width, 1)


def source_line(text: str, line: int) -> str:
    """Line number `line` (from 1) without its end."""
    lines = text.split("\n")
    return lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
