"""Starts a program that sees directories at paths of its own:
``python -I -S mount.py '[["/real", "/mnt/assets"]]' PROGRAM ARGUMENT…``

The process gets a mount namespace (and, unless it is root's, a user namespace in which it is
itself), puts the directories in place, and becomes the program. Nothing of it is seen by any
other process, and it goes with this one. Exit code 71: the machine doesn't allow it.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import tempfile
from pathlib import Path

# (Linux: sched.h, sys/mount.h)
_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE = 0x1000, 0x4000, 0x40000
EX_OSERR = 71


def main(mounts: list[tuple[str, str]], program: list[str]) -> None:
    try:
        separate()
        for real, path in mounts:
            put(real, Path(path))
    except OSError as error:
        print(f"mount: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(EX_OSERR) from None
    os.execvp(program[0], program)  # noqa: S606


def separate() -> None:
    """A mount namespace of this process alone."""
    user, group = os.geteuid(), os.getegid()
    _call("unshare", _NEWNS if user == 0 else _NEWNS | _NEWUSER)
    if user != 0:
        # it stays who it is; a group can only be mapped when no others can be taken on
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount("none", "/", None, _REC | _PRIVATE)


def put(real: str, path: Path) -> None:
    """`real` at `path`, which is made when it is missing."""
    if not path.is_dir():
        widen(path.parent)
        path.mkdir()
    _mount(real, str(path), None, _BIND | _REC)


def widen(folder: Path) -> None:
    """Puts an empty directory over `folder`, with everything in it that was there, so that
    more can be made in it."""
    held = tempfile.mkdtemp(prefix="tc-mount-")
    _mount(str(folder), held, None, _BIND | _REC)
    _mount("tmpfs", str(folder), "tmpfs", 0)
    for one in Path(held).iterdir():
        place = folder / one.name
        if one.is_symlink():
            place.symlink_to(one.readlink())
            continue
        place.mkdir() if one.is_dir() else place.touch()
        _mount(str(one), str(place), None, _BIND | _REC)
    # only out of sight: what is mounted from there stays
    _call("umount2", os.fsencode(held), 2)
    Path(held).rmdir()


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    name = os.fsencode(kind) if kind else None
    _call("mount", os.fsencode(source), os.fsencode(target), name, ctypes.c_ulong(flags), None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
