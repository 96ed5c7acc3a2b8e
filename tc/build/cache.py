"""The user's cache: packages by the digest of their contents; all of it can be made again.

::

    packages/{digest}.zip   a package, 0600
    builds/{digest}         which package the commands of a build made of these sources
    staging/                where commands run; each run's directory goes with it
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tc.build.words import reason
from tc.errors import TcError
from tc.places import cache_place

#: seconds; older staging was left behind by a tc that was killed
_STALE = 24 * 3600


def cache_dir() -> Path:
    """`tc.places.cache_place`, made with mode 0700."""
    path = cache_place()
    try:
        private(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise TcError(
            f"tc can't write its cache: {reason(error)}",
            code="cache",
            where=str(path),
            hint="set TC_CACHE_DIR to a directory that you can write",
        ) from None
    return path


def private(path: Path) -> Path:
    """`path`, made with mode 0700 where it is missing; OSError when that fails."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file (0600) that becomes `path` at the end; on an error nothing is left of it."""
    handle, name = tempfile.mkstemp(dir=private(path.parent), prefix=".new-")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def staging(cache: Path) -> Iterator[Path]:
    """A private directory (0700) that is gone afterwards, whatever happened."""
    parent = private(cache / "staging")
    _sweep(parent)
    path = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield path
    finally:
        remove(path)


def _sweep(parent: Path) -> None:
    """Removes what a tc left behind that could not clean up."""
    for entry in os.scandir(parent):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                remove(Path(entry.path))


def settle(made: Path, place: Path) -> None:
    """The directory `made` becomes `place`, unless another one was faster."""
    private(place.parent)
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def remove(path: Path) -> None:
    """Removes a directory, read-only ones in it too; what can't be removed stays."""
    shutil.rmtree(path, ignore_errors=True)
    if not path.exists():
        return
    for folder, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
