"""Compiled files: which CPU they are for, which libraries and which glibc they need.

Read from the files themselves (System V ABI, "ELF header", "Program header", "Dynamic
section"; Linux Standard Base, "Symbol versioning"), so that it works on any machine for any
CPU, and starts no program.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tc.build.runtimes import provided as surely_there
from tc.build.runtimes import system_of
from tc.build.words import few
from tc.records import dataclass
from tc.spec.layer import Package, Platform

_MAGIC = b"\x7fELF"
#: `e_machine` -> CPU, as Lambda and people call it
_MACHINES = {
    3: "x86 (32 bit)",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "arm (32 bit)",
    62: "x86_64",
    183: "arm64",
    243: "riscv64",
}
_NAMES = {"amd64": "x86_64", "aarch64": "arm64"}
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _SONAME = 1, 5, 14
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")
_GLIBCXX = re.compile(rb"GLIBCXX_3\.4\.(\d+)")
_STDCXX = "libstdc++.so.6"
#: never compiled; most files of a layer are of these
_TEXT = (".py", ".pyi", ".pyx", ".pxd", ".txt", ".md", ".rst", ".json", ".h", ".rb", ".js", ".ts")
_CPU_WORD = re.compile(r"(?<![a-z0-9])(x86[_-]64|x86|amd64|i[36]86|arm64|aarch64|armv\d\w*)", re.I)
#: Python's own name for what an extension module is for says nothing of variants
_EXTENSION = re.compile(r"\.(cpython|pypy\d+|abi3)[^/]*\.so\Z")


@dataclass(frozen=True, slots=True)
class Elf:
    """A compiled file: `cpu` as Lambda calls it, `needed` libraries by name, its own `soname`,
    the newest glibc whose symbols it uses, (0, 0) for none, and the newest libstdc++
    (``GLIBCXX_3.4.n``), 0 for none."""

    cpu: str
    needed: tuple[str, ...] = ()
    soname: str = ""
    glibc: tuple[int, int] = (0, 0)
    glibcxx: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that can't run where it is to run; `package` is empty when nobody knows it."""

    file: str
    package: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{f' of {self.package}' if self.package else ''} {self.reason}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with the compiled files of a directory.

    `missing` has libraries that are neither there nor in the runtime, each with the files
    that need it.
    """

    refused: tuple[Refusal, ...] = ()
    missing: Mapping[str, tuple[str, ...]] | None = None

    def __bool__(self) -> bool:
        return bool(self.refused or self.missing)

    def sentences(self) -> list[str]:
        """All of it for people, one line each."""
        lines = [str(refusal) for refusal in self.refused]
        for library, files in sorted((self.missing or {}).items()):
            verb = "needs" if len(files) == 1 else "need"
            lines.append(f"{library} is missing, which {few(files, 1)} {verb}")
        return lines


def read(path: Path) -> Elf | None:
    """What `path` is; None when it is no ELF file, or cut short."""
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                return None
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _parse(data)
    except (struct.error, IndexError, ValueError):
        return None


def parsed(content: bytes) -> Elf | None:
    """What a file with that `content` is; None as `read` says."""
    try:
        return _parse(content) if content[:4] == _MAGIC else None
    except (struct.error, IndexError, ValueError):
        return None


def elves(directory: Path) -> dict[str, Elf]:
    """The compiled files below `directory`, by their names from there."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.endswith(_TEXT):
                continue
            path = Path(folder, name)
            if not path.is_symlink() and (elf := read(path)):
                found[path.relative_to(directory).as_posix()] = elf
    return dict(sorted(found.items()))


def check_elves(
    directory: Path,
    platform: Platform,
    provided: Iterable[str],
    packages: Sequence[Package] = (),
) -> Findings:
    """What of `directory` can't run on `platform`, whose runtime has the libraries `provided`.

    A wrong CPU is refused, and so is a file that uses symbols of a newer glibc or libstdc++ than
    the runtime's. Packages that bring one file for each CPU, side by side and named for it, are
    taken as they are. With `platform.host` only the CPU counts: libraries are this machine's.
    `provided` is looked at only when something needs more than every runtime has.
    """
    return check(elves(directory), platform, provided, packages)


def check(
    found: Mapping[str, Elf],
    platform: Platform,
    provided: Iterable[str],
    packages: Sequence[Package] = (),
) -> Findings:
    """As `check_elves`, of the compiled files `found`, by their names."""
    owners = {name: package.name for package in packages for name in package.files}
    wanted = _own_cpu() if platform.host else str(platform.arch)
    variants = _variants(found)
    brings = any(_STDCXX in (elf.soname, name.rpartition("/")[2]) for name, elf in found.items())
    refused = []
    for name, elf in found.items():
        if elf.cpu != wanted:
            if name not in variants:
                reason = f"is for {elf.cpu}, and {wanted} is wanted"
                refused.append(Refusal(name, owners.get(name, ""), reason))
        elif not platform.host and (reason := _too_new(elf, platform.runtime, brings)):
            refused.append(Refusal(name, owners.get(name, ""), reason))
    fitting = {name: elf for name, elf in found.items() if elf.cpu == wanted}
    missing = {} if platform.host else _missing(fitting, platform.runtime, provided)
    return Findings(tuple(refused), missing)


def _own_cpu() -> str:
    machine = os.uname().machine
    return _NAMES.get(machine, machine)


def _too_new(elf: Elf, runtime: str, brings: bool) -> str:
    """Why `elf` can't be loaded; with `brings` a libstdc++ comes with it."""
    system = system_of(runtime)
    if elf.glibc > system.glibc:
        has, needs = (".".join(map(str, version)) for version in (system.glibc, elf.glibc))
        return f"needs glibc {needs}, and {runtime} runs on {system.name}, which has {has}"
    if elf.glibcxx > system.glibcxx and not brings:
        return (
            f"needs GLIBCXX_3.4.{elf.glibcxx} of libstdc++, and {runtime} runs on {system.name}, "
            f"which has 3.4.{system.glibcxx}"
        )
    return ""


def _missing(
    found: Mapping[str, Elf], runtime: str, provided: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    there = {name.rpartition("/")[2] for name in found} | {elf.soname for elf in found.values()}
    there |= surely_there(runtime)
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for name, elf in found.items():
        for library in elf.needed:
            if library not in there:
                wanted[library].append(name)
    # looked at only now: it may take a container to tell
    known = frozenset(provided) if wanted else frozenset()
    return {
        library: tuple(files) for library, files in sorted(wanted.items()) if library not in known
    }


def _variants(found: Mapping[str, Elf]) -> set[str]:
    """Files that stand beside others of the same name, but for the CPU in it."""
    groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, elf in found.items():
        folder, _, file = name.rpartition("/")
        if not _EXTENSION.search(file) and _CPU_WORD.search(file):
            groups[f"{folder}/{_CPU_WORD.sub('*', file)}"][name] = elf.cpu
    return {name for group in groups.values() if len(set(group.values())) > 1 for name in group}


class _Reader:
    """A file's numbers in its own byte order and word size."""

    def __init__(self, data: mmap.mmap | bytes):
        self.data = data
        self.wide = data[4] == 2
        self._order = "<" if data[5] == 1 else ">"

    def at(self, offset: int, form: str) -> tuple[int, ...]:
        return struct.unpack_from(self._order + form, self.data, offset)

    def text(self, offset: int) -> bytes:
        return self.data[offset : self.data.find(b"\0", offset)]


def _parse(data: mmap.mmap | bytes) -> Elf:
    reader = _Reader(data)
    number = reader.at(18, "H")[0]
    cpu = _MACHINES.get(number, f"a CPU of kind {number}")
    segments = list(_segments(reader))
    dynamic = next((s for s in segments if s[0] == _DYNAMIC), None)
    if dynamic is None:
        return Elf(cpu)

    def place(address: int) -> int:
        """Where in the file stands what is loaded at `address`."""
        for kind, offset, start, size in segments:
            if kind == _LOAD and start <= address < start + size:
                return offset + address - start
        raise ValueError(address)

    entries = list(_dynamic(reader, dynamic[1], dynamic[3]))
    values = dict(reversed(entries))
    strings = place(values[_STRTAB]) if _STRTAB in values else 0
    needed = tuple(
        reader.text(strings + value).decode("utf-8", "replace")
        for tag, value in entries
        if tag == _NEEDED
    )
    soname = reader.text(strings + values[_SONAME]).decode() if _SONAME in values else ""
    versions: Iterator[bytes] = iter(())
    if _VERNEED in values:
        versions = _versions(reader, place(values[_VERNEED]), values[_VERNEEDNUM], strings)
    names = list(versions)
    glibc = [(int(match[1]), int(match[2])) for name in names if (match := _GLIBC.match(name))]
    glibcxx = [int(match[1]) for name in names if (match := _GLIBCXX.match(name))]
    return Elf(cpu, needed, soname, max(glibc, default=(0, 0)), max(glibcxx, default=0))


def _segments(reader: _Reader) -> Iterator[tuple[int, int, int, int]]:
    """(kind, offset in the file, address, size in the file) of each program header."""
    start = reader.at(32, "Q")[0] if reader.wide else reader.at(28, "I")[0]
    size, count = reader.at(54 if reader.wide else 42, "HH")
    for index in range(count):
        at = start + index * size
        if reader.wide:
            kind, _, offset, address, _, length = reader.at(at, "IIQQQQ")
        else:
            kind, offset, address, _, length = reader.at(at, "IIIII")
        yield kind, offset, address, length


def _dynamic(reader: _Reader, offset: int, size: int) -> Iterator[tuple[int, int]]:
    """(tag, value) of the dynamic section, up to its end."""
    form, step = ("QQ", 16) if reader.wide else ("II", 8)
    for at in range(offset, offset + size, step):
        tag, value = reader.at(at, form)
        if tag == 0:
            return
        yield tag, value


def _versions(reader: _Reader, offset: int, count: int, strings: int) -> Iterator[bytes]:
    """The names of the symbol versions that are needed."""
    for _ in range(count):
        _, names, _, first, following = reader.at(offset, "HHIII")
        at = offset + first
        for _ in range(names):
            _, _, _, name, step = reader.at(at, "IHHII")
            yield reader.text(strings + name)
            at += step
        offset += following
