"""Rust: what a program is made of, and how cargo is called.

What counts is read from the manifests, without starting cargo: the package, the crates beside
it that it names by a path, its workspace's manifest and lock file, cargo's settings.

On Lambda a program finds the C library of Amazon Linux 2023. It surely fits when it brings its
own (the ``musl`` targets) or is linked against that version (cargo-lambda, cargo-zigbuild);
else what the linker of this machine made is looked at afterwards.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tc.build.files import sources
from tc.build.run import on_path, without
from tc.build.words import few, shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.layer import Platform

PROGRAM = "cargo"
LANGUAGE = "Rust"
HINT = "cargo build --release"
#: Lambda's CPUs in cargo's words
CPUS = {"x86_64": "x86_64", "arm64": "aarch64"}
#: (Lambda developer guide, "Lambda runtimes": Amazon Linux 2023)
_GLIBC = "2.34"
_FLAGS = "CARGO_BUILD_RUSTFLAGS"
_TABLES = ("dependencies", "build-dependencies")
_TOOLCHAINS = ("rust-toolchain.toml", "rust-toolchain")
_SETTINGS = (".cargo/config.toml", ".cargo/config")


def inputs(directory: Path, project: Path) -> list[Path]:
    """The files that the program in `directory` is compiled of, below `project` or beside it.

    Raises TcError for a manifest that can't be read.
    """
    root = _workspace(directory, project)
    found: set[Path] = set()
    todo, seen = [directory], {directory}
    while todo:
        crate = todo.pop()
        found.update(crate / entry.name for entry in sources(crate, ("target/",)))
        manifest = _manifest(crate)
        shared = _manifest(root) if root else manifest
        for other in _paths(crate, manifest, root or crate, shared):
            if other not in seen and (other / "Cargo.toml").is_file():
                seen.add(other)
                todo.append(other)
    found.update(_settings(directory, project))
    if root:
        found.update(f for f in (root / "Cargo.toml", root / "Cargo.lock") if f.is_file())
    return sorted(file for file in found if file.is_file())


def _manifest(directory: Path) -> dict[str, Any]:
    file = directory / "Cargo.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TcError(
            f"this manifest can't be read: {error}", code="bad-file", where=shown(file)
        ) from None


def _workspace(directory: Path, project: Path) -> Path | None:
    """The directory with the workspace that `directory` belongs to (The Cargo Book,
    "Workspaces")."""
    written = _manifest(directory).get("package", {}).get("workspace")
    if isinstance(written, str):
        return Path(os.path.normpath(directory / written))
    for above in (directory, *directory.parents):
        if (above / "Cargo.toml").is_file() and "workspace" in _manifest(above):
            return above
        if above == project:
            break
    return None


def _paths(
    crate: Path, manifest: Mapping[str, Any], root: Path, shared: Mapping[str, Any]
) -> Iterator[Path]:
    """The crates that are named by a path."""
    common = shared.get("workspace", {}).get("dependencies", {})
    tables = [manifest, *manifest.get("target", {}).values()]
    for table in tables:
        for kind in _TABLES:
            for name, needed in table.get(kind, {}).items():
                if not isinstance(needed, Mapping):
                    continue
                if needed.get("workspace") is True:
                    yield from _path(root, common.get(name))
                else:
                    yield from _path(crate, needed)
    for source in shared.get("patch", {}).values():
        for needed in source.values():
            yield from _path(root, needed)


def _path(base: Path, needed: Any) -> Iterator[Path]:
    written = needed.get("path") if isinstance(needed, Mapping) else None
    if isinstance(written, str):
        yield Path(os.path.normpath(base / written))


def _settings(directory: Path, project: Path) -> Iterator[Path]:
    for above in (directory, *directory.parents):
        yield from (above / name for name in (*_TOOLCHAINS, *_SETTINGS))
        if above == project:
            break


def lock_file(directory: Path, project: Path) -> Path | None:
    file = (_workspace(directory, project) or directory) / "Cargo.lock"
    return file if file.is_file() else None


def binary(directory: Path, name: str) -> str:
    """The program of the package: called ``bootstrap``, or its only one, or called as the
    function `name`. Raises TcError when none can be told."""
    manifest = _manifest(directory)
    programs = _programs(directory, manifest)
    for wanted in ("bootstrap", name):
        if wanted in programs:
            return wanted
    if len(programs) == 1:
        return programs[0]
    what = f"has the programs {few(programs)}" if programs else "has no program"
    raise TcError(
        f"the package in {directory.name}/ {what}: which one the function is isn't known",
        code="no-build",
        where=shown(directory / "Cargo.toml"),
        hint="call it `bootstrap`: [[bin]] with name and path, or src/main.rs in a package "
        "of that name",
    )


def _programs(directory: Path, manifest: Mapping[str, Any]) -> list[str]:
    package = manifest.get("package", {})
    written = manifest.get("bin", ())
    named = [str(one["name"]) for one in written if "name" in one]
    taken = {str(one.get("path", "")) for one in written}
    if package.get("autobins", True):
        if (directory / "src/main.rs").is_file() and "src/main.rs" not in taken:
            named.append(str(package.get("name", "")))
        below = directory / "src/bin"
        if below.is_dir():
            entries = sorted(below.iterdir())
            named += [f.stem for f in entries if f.suffix == ".rs" or (f / "main.rs").is_file()]
    return sorted(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Call:
    """A command line, the file that it makes below the target directory, and what is set in its
    environment besides."""

    words: list[str]
    made: str
    variables: Mapping[str, str]


def call(bin_name: str, platform: Platform, target: Path, *, locked: bool, root: Path) -> Call:
    """How the program `bin_name` is built for `platform` into the directory `target`; `root`
    is what rustc prints as its sysroot."""
    more = ["--release", "--bin", bin_name, "--target-dir", str(target)]
    more += ["--locked"] if locked else []
    if platform.host:
        return Call(["cargo", "build", *more], f"release/{bin_name}", {})
    cpu = CPUS[platform.arch]
    gnu, musl = f"{cpu}-unknown-linux-gnu", f"{cpu}-unknown-linux-musl"
    if on_path("cargo-lambda"):
        words = ["cargo", "lambda", "build", *more, "--target", f"{gnu}.{_GLIBC}"]
        made = f"lambda/{bin_name}/bootstrap"
        return Call([*words, "--lambda-dir", str(target / "lambda")], made, {})
    if on_path("cargo-zigbuild"):
        words = ["cargo", "zigbuild", *more, "--target", f"{gnu}.{_GLIBC}"]
        return Call(words, f"{gnu}/release/{bin_name}", {})
    triple = musl if (root / "lib/rustlib" / musl).is_dir() else gnu
    words = ["cargo", "build", *more, "--target", triple]
    return Call(words, f"{triple}/release/{bin_name}", _linker(triple))


def _linker(triple: str) -> dict[str, str]:
    """For a CPU that isn't this machine's, rustc's own linker where a target brings the rest."""
    import platform

    cpu = triple.partition("-")[0]
    here = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
    same = sys.platform == "linux" and here == cpu
    name = f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"
    if same or name in os.environ:
        return {}
    for compiler in (f"{cpu}-linux-gnu-gcc", f"{cpu}-linux-musl-gcc"):
        if on_path(compiler):
            return {name: compiler}
    return {name: "rust-lld"} if triple.endswith("musl") else {}


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Symbols are left out: nobody looks at them on Lambda. Neither is the user's home, whose
    name stands in the messages of panics. Flags of the user's own win over that."""
    made = without(given, "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")
    made.setdefault("CARGO_PROFILE_RELEASE_STRIP", "symbols")
    home = given.get("CARGO_HOME") or str(Path.home() / ".cargo")
    if not re.search(r"\s", home):
        # cargo separates flags by spaces
        flags = f"{given.get(_FLAGS, '')} --remap-path-prefix={home}=/cargo"
        made[_FLAGS] = flags.strip()
    return made


def check(directory: Path) -> None:
    """Raises TcError when the manifest can't be read."""
    _manifest(directory)
