"""Files that are to be made, and the rule that none is ever written over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tc.errors import TcError, UsageError
from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """A file to be; one whose content begins with ``#!`` becomes executable."""

    path: Path
    content: str

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content.encode())

    @property
    def there(self) -> bool:
        """Whether something has its name already, be it a link that leads nowhere."""
        return os.path.lexists(self.path)


def shown(path: Path) -> str:
    """`path` from the current directory, as it would be typed."""
    return os.path.relpath(path)


def check_inside(files: Iterable[File], root: Path) -> None:
    """Raises UsageError when a link on the way would lead a file out of `root`."""
    for file in files:
        if not file.path.parent.resolve().is_relative_to(root.resolve()):
            raise UsageError(
                f"`{shown(file.path)}` is outside the project, behind a link",
                code="outside-project",
                hint=f"the project is {root}",
            )


def write(file: File) -> bool:
    """Makes `file` and the directories it needs; False when something is there already.

    Raises TcError when the system refuses.
    """
    mode = 0o777 if file.content.startswith("#!") else 0o666
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        if file.there:
            return False
        raise _unwritable(file, "a file is in the way of its directory") from None
    except OSError as error:
        raise _unwritable(file, error.strerror or str(error)) from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(file.content)
    return True


def _unwritable(file: File, why: str) -> TcError:
    return TcError(
        f"`{shown(file.path)}` can't be written: {why[:1].lower()}{why[1:]}", code="unwritable"
    )
