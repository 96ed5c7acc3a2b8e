"""One run of a compiler: on this machine, or in a container."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from tc.build.cache import private
from tc.build.compiled import go, rust
from tc.build.elf import check_elves
from tc.build.run import Work, run
from tc.build.runtimes import provided
from tc.build.tools import WORK, Job, Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.processes import Program
from tc.records import dataclass
from tc.spec.function import Function
from tc.spec.layer import Platform


@dataclass(frozen=True, slots=True)
class Order:
    """What to compile: `files` are all that the program is made of."""

    language: ModuleType
    function: Function
    platform: Platform
    project: Path
    files: Sequence[Path]

    @property
    def locked(self) -> bool:
        """Whether a lock file of cargo's says which versions."""
        return rust.lock_file(self.function.dir, self.project) is not None


def on_host(order: Order, place: Path, made: Path, tools: Tools) -> None:
    """Compiles into the file `made`; `place` is an empty directory."""
    function, platform = order.function, order.platform
    if order.language is go:
        words = go.words(function.dir, str(place / "bootstrap"))
        program = Program(words, function.dir, go.environment(os.environ, platform))
        hint = "look at the messages of the compiler; `go mod tidy` mends go.mod and go.sum"
        run(Work(f"`{function.name}`", function.dir, program, hint), place / "log", tools.running)
        shutil.copyfile(place / "bootstrap", made)
        return
    target = private(tools.cache / "cargo")
    # cargo would write a lock file where there is none
    directory = (
        function.dir if order.locked else copied(order.files, function.dir, place / "sources")
    )
    name = rust.binary(function.dir, function.name)
    call = rust.call(name, platform, target, locked=order.locked, root=_sysroot(directory))
    environment = rust.environment({**os.environ, **call.variables})
    work = Work(
        f"`{function.name}`",
        function.dir,
        Program(call.words, directory, environment),
        "look at the messages of the compiler",
    )
    with _alone(target):
        run(work, place / "log", tools.running)
        shutil.copyfile(target / call.made, made)


def _sysroot(directory: Path) -> Path:
    """Where the toolchain for `directory` is; a place that isn't there when nobody says."""
    try:
        ended = subprocess.run(
            ["rustc", "--print", "sysroot"],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return Path(os.devnull)
    return Path(ended.stdout.strip() or os.devnull)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Until the program is copied: two packages may call theirs the same."""
    with (target / ".tc-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copied(files: Sequence[Path], directory: Path, to: Path) -> Path:
    """Copies `files` below `to` as they stand to each other; where `directory` is then."""
    base = Path(os.path.commonpath([*map(str, files), str(directory)]))
    (to / directory.relative_to(base)).mkdir(parents=True, exist_ok=True)
    for file in files:
        path = to / file.relative_to(base)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, path)
    return to / directory.relative_to(base)


def in_container(order: Order, place: Path, made: Path, tools: Tools) -> None:
    """The same in the container for its platform; the way out where nothing can do it."""
    from tc.build.container.settings import CACHE

    language, function, platform = order.language, order.function, order.platform
    directory = copied(order.files, function.dir, place / "sources")
    inside = f"{WORK}/{directory.relative_to(place).as_posix()}"
    if language is go:
        words = go.words(function.dir, f"{WORK}/out/bootstrap")
        environment = go.environment({}, platform)
        end: list[list[str]] = []
    else:
        name = rust.binary(function.dir, function.name)
        # kept between builds; one for each function, since programs may have one name
        target = f"{CACHE}/cargo-target/{hashlib.sha256(bytes(function.dir)).hexdigest()[:16]}"
        words = ["cargo", "build", "--release", "--bin", name, "--target-dir", target]
        words += ["--locked"] if order.locked else []
        environment = rust.environment({"CARGO_HOME": f"{CACHE}/cargo"})
        end = [["cp", f"{target}/release/{name}", f"{WORK}/out/bootstrap"]]
    check = (
        f"command -v {language.PROGRAM} >/dev/null || "
        f"{{ echo 'this image has no {language.PROGRAM}'; exit 127; }}"
    )
    start = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", inside, *words]
    job = Job(
        what=f"`{function.name}`",
        platform=platform,
        directory=place,
        commands=(["sh", "-c", check], ["mkdir", "-p", f"{WORK}/out"], start, *end),
        environment=environment,
        source=function.dir,
    )
    try:
        tools.containers.run(job)
    except TcError as error:
        if tools.always:
            raise
        raise TcError(
            f"`{function.name}` is written in {language.LANGUAGE}: this machine has no "
            f"`{language.PROGRAM}`, and in a container: {error.message}",
            code="no-tool",
            where=shown(function.dir),
            hint=f"install {language.LANGUAGE}, or name an image that has it in "
            f"`builder.images` of config.yml: {platform.runtime}",
        ) from error
    shutil.copyfile(place / "out" / "bootstrap", made)


def check_fits(order: Order, made: Path, place: Path) -> None:
    """Raises TcError when the program `made` can't run on Lambda; `place` is for a copy."""
    function, platform = order.function, order.platform
    fits = private(place / "fits")
    shutil.copyfile(made, fits / "bootstrap")
    found = check_elves(fits, platform, provided(platform.runtime))
    if not found:
        return
    triple = f"{rust.CPUS[platform.arch]}-unknown-linux-musl"
    raise TcError(
        f"the program of `{function.name}` can't run on Lambda: {'; '.join(found.sentences())}",
        code="wrong-binary",
        where=shown(function.dir),
        hint=f"rustup target add {triple}, or install cargo-lambda or cargo-zigbuild, or build "
        "with --container"
        if order.language is rust
        else "build it with --container",
    )
