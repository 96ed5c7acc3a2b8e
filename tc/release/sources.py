"""The files that a version is made of, as one archive: what a closure holds, and nothing besides.

With it a version can be composed again without git, where its tag isn't at hand or its history was
rewritten.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tc.errors import TcError
from tc.release.closure import Closure


def pack(root: Path, closure: Closure) -> bytes:
    """The files of `closure` below `root` as a tar.gz, equal for equal files: their names, their
    contents and whether they can be run, no times and no owners."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 9, packed, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(set(_names(root, closure))):
            _add(archive, root, name)
    return packed.getvalue()


def unpack(body: bytes, place: Path) -> None:
    """Writes the files of an archive below `place`, which is then the root of a project.

    Raises TcError ``bad-object`` for a name that leads out of it.
    """
    place.mkdir(mode=0o700, parents=True)
    root = place.resolve()
    # what loading takes for the root of a project
    (place / ".git").mkdir()
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
        for member in archive:
            path = root / member.name
            # links that are written already count as what they lead to
            parent = path.parent.resolve()
            target = parent / (member.linkname if member.issym() else path.name)
            if not all(_inside(one, root) for one in (path, parent, target)):
                raise TcError(f"the archive has {member.name}, which leads out", code="bad-object")
            parent.mkdir(parents=True, exist_ok=True)
            if member.issym():
                path.symlink_to(member.linkname)
            elif content := archive.extractfile(member):
                path.write_bytes(content.read())
                path.chmod(0o700 if member.mode & 0o100 else 0o600)


def _names(root: Path, closure: Closure) -> Iterator[str]:
    for start in closure.paths:
        if (root / start).is_dir() and not (root / start).is_symlink():
            for directory, directories, files in os.walk(root / start):
                links = [name for name in directories if Path(directory, name).is_symlink()]
                for name in (*files, *links):
                    path = Path(directory, name).relative_to(root).as_posix()
                    if closure.holds(path) and ".git" not in PurePosixPath(path).parts:
                        yield path
        elif os.path.lexists(root / start):
            yield start


def _add(archive: tarfile.TarFile, root: Path, name: str) -> None:
    path = root / name
    member = tarfile.TarInfo(name)
    if path.is_symlink():
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        # what it leads to outside of the repository is no part of the version
        if not _leads_out(str(PurePosixPath(name).parent / member.linkname)):
            archive.addfile(member)
        return
    content = path.read_bytes()
    member.size = len(content)
    member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    archive.addfile(member, io.BytesIO(content))


def _inside(path: Path, root: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(root)


def _leads_out(name: str) -> bool:
    normal = os.path.normpath(name)
    return normal.startswith(("/", "../")) or normal == ".."
