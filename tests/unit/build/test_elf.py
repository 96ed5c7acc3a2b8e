"""Compiled files are read from their own headers: CPU, libraries, glibc."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tc.build.elf import Elf, check_elves, elves, read
from tc.build.runtimes import provided, system_of
from tc.spec.layer import Package, Platform

X86_64, ARM64, X86 = 62, 183, 3
ON_AL2 = Platform("python3.11", "x86_64")
ON_AL2023 = Platform("python3.12", "x86_64")


def elf(
    machine: int = X86_64,
    needed: tuple[str, ...] = (),
    soname: str = "",
    glibc: tuple[str, ...] = (),
) -> bytes:
    """A shared object of 64 bits: headers, strings, versions, dynamic section."""
    strings = b"\0"

    def text(value: str) -> int:
        nonlocal strings
        strings += value.encode() + b"\0"
        return len(strings) - len(value) - 1

    entries = [(1, text(name)) for name in needed]
    entries += [(14, text(soname))] if soname else []
    names = [text(version) for version in glibc]
    base, start = 0x1000, 64 + 2 * 56
    library = text("libc.so.6")
    needs = start + len(strings)
    versions = struct.pack("<HHIII", 1, len(names), library, 16, 0)
    for index, name in enumerate(names):
        last = index == len(names) - 1
        versions += struct.pack("<IHHII", 0, 0, 2, name, 0 if last else 16)
    entries.append((5, base + start))
    if names:
        entries += [(0x6FFFFFFE, base + needs), (0x6FFFFFFF, 1)]
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in [*entries, (0, 0)])
    at = needs + len(versions)
    size = at + len(dynamic)
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096)
    table = struct.pack("<IIQQQQQQ", 2, 6, at, base + at, base + at, len(dynamic), len(dynamic), 8)
    return head + load + table + strings + versions + dynamic


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    (tmp_path / "python/alpha").mkdir(parents=True)
    return tmp_path


def write(layer: Path, **files: bytes) -> None:
    for name, content in files.items():
        (layer / "python/alpha" / f"{name}.so").write_bytes(content)


def test_a_file_says_what_it_is(layer: Path) -> None:
    content = elf(ARM64, ("libc.so.6", "libfoo.so.1"), "libx.so.2", ("GLIBC_2.17", "GLIBC_2.9"))
    write(layer, x=content)
    found = read(layer / "python/alpha/x.so")
    assert found == Elf("arm64", ("libc.so.6", "libfoo.so.1"), "libx.so.2", (2, 17))


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF", b"\x7fELF" + bytes(40)])
def test_what_is_no_elf_file_is_left_alone(layer: Path, content: bytes) -> None:
    write(layer, x=content)
    assert elves(layer) in ({}, {"python/alpha/x.so": Elf("a CPU of kind 0")})
    assert not check_elves(layer, ON_AL2, ()).missing


def test_the_interpreter_of_this_machine_is_read() -> None:
    import os
    import sys

    found = read(Path(os.path.realpath(sys.executable)))
    if not sys.platform.startswith("linux"):
        pytest.skip("programs of this system are no ELF files")
    assert found is not None
    machine = os.uname().machine
    assert found.cpu == {"aarch64": "arm64"}.get(machine, machine)
    assert any(name.startswith("libc.") for name in found.needed)


def test_another_cpu_is_refused_with_file_and_package(layer: Path) -> None:
    write(layer, good=elf(), wrong=elf(ARM64))
    packages = [Package("Alpha", "1", 1, ("python/alpha/good.so", "python/alpha/wrong.so"))]
    findings = check_elves(layer, ON_AL2023, (), packages)
    assert findings.sentences() == [
        "python/alpha/wrong.so of Alpha is for arm64, and x86_64 is wanted"
    ]
    assert not check_elves(layer, Platform("python3.12", "arm64"), ()).missing


def test_a_newer_libstdcxx_is_refused_unless_it_comes_along(layer: Path) -> None:
    write(
        layer,
        old=elf(glibc=("GLIBCXX_3.4.9", "GLIBCXX_3.4.29")),
        new=elf(glibc=("GLIBCXX_3.4.30",)),
    )
    (sentence,) = check_elves(layer, ON_AL2023, ()).sentences()
    assert "python/alpha/new.so needs GLIBCXX_3.4.30 of libstdc++" in sentence
    assert "Amazon Linux 2023, which has 3.4.29" in sentence
    assert len(check_elves(layer, ON_AL2, ()).refused) == 2
    write(layer, own=elf(soname="libstdc++.so.6"))
    assert not check_elves(layer, ON_AL2, ()).refused


def test_a_newer_glibc_is_refused(layer: Path) -> None:
    write(layer, new=elf(glibc=("GLIBC_2.2.5", "GLIBC_2.28")))
    assert not check_elves(layer, ON_AL2023, ())
    (refusal,) = check_elves(layer, ON_AL2, ()).refused
    assert refusal.reason == (
        "needs glibc 2.28, and python3.11 runs on Amazon Linux 2, which has 2.26"
    )


def test_libraries_come_from_the_layer_the_runtime_or_are_missing(layer: Path) -> None:
    write(
        layer,
        module=elf(needed=("libc.so.6", "libm.so.6", "libown.so.3", "liby-1a2b.so", "libGL.so.1")),
        other=elf(needed=("libGL.so.1", "libssl.so.3")),
        own=elf(soname="libown.so.3"),
    )
    (layer / "python/alpha.libs").mkdir()
    (layer / "python/alpha.libs/liby-1a2b.so").write_bytes(elf())
    findings = check_elves(layer, ON_AL2023, {"libssl.so.3"})
    assert findings.missing == {"libGL.so.1": ("python/alpha/module.so", "python/alpha/other.so")}
    assert findings.refused == ()
    assert findings.sentences() == [
        "libGL.so.1 is missing, which python/alpha/module.so and 1 more need"
    ]


def test_the_runtime_is_asked_only_when_something_is_open(layer: Path) -> None:
    asked = []

    def known() -> Iterator[str]:
        asked.append(1)
        yield "libssl.so.3"

    write(layer, module=elf(needed=("libc.so.6", "libpthread.so.0")))
    assert not check_elves(layer, ON_AL2023, known())
    assert asked == []
    write(layer, module=elf(needed=("libssl.so.3",)))
    assert not check_elves(layer, ON_AL2023, known())
    assert asked == [1]


def test_files_for_each_cpu_side_by_side_are_taken_as_they_are(layer: Path) -> None:
    write(layer, attach_linux_amd64=elf(), attach_linux_x86=elf(X86))
    assert not check_elves(layer, ON_AL2023, ())
    assert not check_elves(layer, Platform("python3.12", "arm64"), ())
    name = "x.cpython-312-{}-linux-gnu"
    write(layer, **{name.format("x86_64"): elf(), name.format("aarch64"): elf(ARM64)})
    assert len(check_elves(layer, ON_AL2023, ()).refused) == 1


def test_for_this_machine_only_the_cpu_counts(layer: Path) -> None:
    import os

    own = {"x86_64": X86_64, "aarch64": ARM64, "arm64": ARM64}[os.uname().machine]
    write(layer, module=elf(own, ("libodd.so.9",), glibc=("GLIBC_2.99",)))
    assert not check_elves(layer, Platform("python3.12", "x86_64", "/usr/bin/python3"), ())
    write(layer, module=elf(ARM64 if own == X86_64 else X86_64))
    assert check_elves(layer, Platform("python3.12", "x86_64", "/usr/bin/python3"), ()).refused


def test_runtimes_have_their_system(layer: Path) -> None:
    assert system_of("python3.11").glibc == (2, 26)
    assert system_of("python3.14").glibc == (2, 34)
    assert system_of("nodejs24.x") == system_of("provided.al2023")
    assert "libpython3.12.so.1.0" in provided("python3.12")
