"""Code and layers on disk: each archive is unpacked once and shared while anything uses it.

A dozen environments of one function would otherwise unpack 50 MB of packages each, on every
cold start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import threading
import zipfile
from io import BytesIO
from pathlib import Path

_KINDS = 0o170000


class Trees:
    """Directories made of archives, with a count of their users."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._users: dict[Path, int] = {}
        self._root: Path | None = None

    @property
    def root(self) -> Path:
        """A private directory below TMPDIR, made when the first function runs."""
        with self._making:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="tc-functions-"))
            return self._root

    def take(self, *archives: bytes) -> Path:
        """The directory with these zip files over one another, the last on top.

        Lambda lays the layers of a function into /opt in the same way. Raises `zipfile.BadZipFile`.
        """
        digest = hashlib.sha256()
        for archive in archives:
            digest.update(hashlib.sha256(archive).digest())
        with self._lock:
            path = self.root / f"tree-{digest.hexdigest()[:32]}"
            if path not in self._users:
                _unpack(archives, path)
                self._users[path] = 0
            self._users[path] += 1
            return path

    def release(self, path: Path) -> None:
        with self._lock:
            left = self._users.get(path, 0) - 1
            if left > 0:
                self._users[path] = left
                return
            self._users.pop(path, None)
        shutil.rmtree(path, ignore_errors=True)

    def scratch(self) -> Path:
        """A new empty directory: the /tmp of one environment."""
        return Path(tempfile.mkdtemp(prefix="tmp-", dir=self.root))

    @staticmethod
    def clear(path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)

    def remove(self) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)


def _unpack(archives: tuple[bytes, ...], path: Path) -> None:
    part = path.with_name(path.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for archive in archives:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            for entry in opened.infolist():
                _unpack_entry(opened, entry, part)
    part.rename(path)


def _unpack_entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    """`extract` keeps entries inside the root; links and the executable bit it forgets."""
    mode = entry.external_attr >> 16
    if mode & _KINDS == stat.S_IFLNK:
        _link(opened, entry, root)
        return
    made = Path(opened.extract(entry, root))
    if not entry.is_dir():
        made.chmod(0o700 if mode & 0o111 else 0o600)


def _link(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    place = root / entry.filename
    goal = opened.read(entry).decode()
    inside = os.path.normpath(place.parent / goal).startswith(str(root) + os.sep)
    if not inside or not os.path.normpath(place).startswith(str(root) + os.sep):
        raise zipfile.BadZipFile(f"the link {entry.filename} leaves the archive")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(goal)
