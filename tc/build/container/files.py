"""Files on their way into a container and out of it, as tar streams.

Nothing of the host is mounted, so nothing that belongs to root is left behind, and an engine on
another machine does as well.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO, cast

from tc.build.files import MADE, SECRET
from tc.build.words import MB
from tc.errors import TcError
from tc.spec.ignore import matcher

#: bytes of an archive that are held in memory; more goes to a file
_HELD = 16 * MB


def packed(directory: Path, below: str) -> IO[bytes]:
    """What is in `directory` as a tar in which it is called `below`, without what is secret
    or made by tools. All of it is root's in there."""
    ignored = matcher((*MADE, *SECRET, "!*.zip"))
    archive = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_HELD))  # noqa: SIM115
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder, folders, names in os.walk(directory):
            here = os.path.relpath(folder, directory)
            prefix = "" if here == "." else f"{here}/"
            folders[:] = [one for one in folders if not ignored(f"{prefix}{one}", True)]
            for name in (*folders, *names):
                if not ignored(f"{prefix}{name}", name in folders):
                    _add(tar, Path(folder, name), f"{below}/{prefix}{name}")
    archive.seek(0)
    return archive


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tar.gettarinfo(str(path), name)
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    if info.isreg():
        with path.open("rb") as file:
            tar.addfile(info, file)
    else:
        tar.addfile(info)


def one_file(name: str, content: bytes, mode: int = 0o644) -> IO[bytes]:
    """A tar of one file."""
    archive = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_HELD))  # noqa: SIM115
    with tarfile.open(fileobj=archive, mode="w") as tar, tempfile.TemporaryFile() as body:
        body.write(content)
        body.seek(0)
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), mode
        tar.addfile(info, body)
    archive.seek(0)
    return archive


def unpacked(chunks: Iterable[bytes], directory: Path) -> None:
    """The archive of a directory, unpacked into the new directory `directory`.

    Modes but the x bits, owners and times stay behind; so do links that lead out of it.
    Raises TcError for a name that leads out.
    """
    with tempfile.TemporaryFile() as archive:
        for chunk in chunks:
            archive.write(chunk)
        archive.seek(0)
        directory.mkdir(mode=0o700)
        with tarfile.open(fileobj=archive) as tar:
            for member in tar:
                _take(tar, member, directory)


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, directory: Path) -> None:
    """The name starts with that of the archived directory."""
    parts = PurePosixPath(member.name).parts[1:]
    if not parts:
        return
    path = directory.joinpath(*parts)
    if ".." in parts or member.name.startswith("/") or not _inside(path.parent, directory):
        raise TcError(
            f"the container handed out a file that leads elsewhere: {member.name}",
            code="container-failed",
        )
    if member.isdir():
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif member.issym():
        if _inside(path.parent / member.linkname, directory):
            path.symlink_to(member.linkname)
    elif member.islnk():
        target = directory.joinpath(*PurePosixPath(member.linkname).parts[1:])
        if _inside(target, directory):
            shutil.copy(target, path)
    elif member.isreg():
        source = tar.extractfile(member)
        if source is not None:
            with path.open("wb") as file:
                shutil.copyfileobj(source, file)
        path.chmod(0o755 if member.mode & stat.S_IXUSR else 0o644)


def _inside(path: Path, directory: Path) -> bool:
    real, top = os.path.realpath(path), os.path.realpath(directory)
    return real == top or real.startswith(f"{top}/")


def replaced(directory: Path, by: Path) -> None:
    """`by`, which is beside it, becomes `directory`."""
    if directory.is_symlink() or directory.is_file():
        directory.unlink()
    elif directory.exists():
        shutil.rmtree(directory)
    by.rename(directory)
