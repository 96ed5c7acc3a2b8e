"""Programs of Go and Rust, compiled by the real compilers of this machine."""

from __future__ import annotations

import os
import platform as machine
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from build_files import Make

from tc.build.compiled import build, go, language_of, rust
from tc.build.elf import read
from tc.build.package import package
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.events import Event, silent
from tc.processes import Running
from tc.spec.function import Build, Function
from tc.spec.layer import Platform

LAMBDA = Platform("provided.al2023", "x86_64")
HERE = replace(LAMBDA, host="linux")
MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n'
CARGO = '[package]\nname = "loader"\nversion = "0.1.0"\nedition = "2021"\n'
RUST = 'fn main() { println!("hello"); }\n'

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
needs_rust = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")


class NoEngine:
    """A machine without a container engine."""

    def run(self, job: Job) -> None:
        raise TcError("this machine has no container engine", code="no-engine")

    def provided(self, platform: Platform) -> frozenset[str]:
        raise AssertionError(platform)


@dataclass
class Noting(NoEngine):
    """A container engine that writes down what it is asked for, and does nothing."""

    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        raise TcError("no more", code="no-engine")


@dataclass
class Bench:
    """Tools, and what they told."""

    cache: Path
    told: list[str] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.told.append(event.text)

    @property
    def tools(self) -> Tools:
        return Tools(self.cache, self.emit, Running(), NoEngine())

    def build(self, function: Function, platform: Platform = HERE) -> bytes:
        entry = build(function, platform, self.tools)
        assert (entry.name, entry.executable) == ("bootstrap", True)
        content = entry.read()
        assert len(content) == entry.size
        return content

    @property
    def compilations(self) -> int:
        return sum(text.startswith("Compiling") for text in self.told)


@pytest.fixture
def bench(cache: Path) -> Bench:
    cache.mkdir(mode=0o700)
    return Bench(cache)


Compiled = Callable[..., Function]


@pytest.fixture
def program(make: Make) -> Compiled:
    def made(files: dict[str, str], name: str = "loader") -> Function:
        return make(files, name, runtime="provided.al2023", handler="bootstrap")

    return made


def output(content: bytes, tmp_path: Path) -> str:
    file = tmp_path / "program"
    file.write_bytes(content)
    file.chmod(0o700)
    ran = subprocess.run([file], capture_output=True, text=True, check=True)
    file.unlink()
    return ran.stdout


def test_what_has_its_program_is_not_compiled(program: Compiled) -> None:
    assert language_of(program({"main.go": MAIN})) is go
    assert language_of(program({"Cargo.toml": CARGO}, "rusty")) is rust
    assert language_of(program({"main.go": MAIN, "bootstrap": ""}, "made")) is None
    assert language_of(program({"run.sh": ""}, "other")) is None


@needs_go
def test_a_go_program_is_compiled_once(program: Compiled, bench: Bench, tmp_path: Path) -> None:
    function = program({"go.mod": "module loader\n\ngo 1.21\n", "main.go": MAIN})
    before = sorted(function.dir.iterdir())
    first = bench.build(function)
    assert output(first, tmp_path) == "hello\n"
    assert bench.build(function) == first
    assert bench.compilations == 1
    assert sorted(function.dir.iterdir()) == before
    (function.dir / "main.go").write_text(MAIN.replace("hello", "changed"))
    assert output(bench.build(function), tmp_path) == "changed\n"


@needs_go
def test_go_for_lambda_is_static_and_for_its_cpu(program: Compiled, bench: Bench) -> None:
    function = program({"go.mod": "module loader\n\ngo 1.21\n", "main.go": MAIN})
    for arch in ("x86_64", "arm64"):
        bench.build(function, replace(LAMBDA, arch=arch))
    cpus = set()
    for file in (bench.cache / "binaries").iterdir():
        elf = read(file)
        assert elf
        assert elf.needed == ()
        assert file.stat().st_mode & 0o777 == 0o600
        cpus.add(elf.cpu)
    assert cpus == {"x86_64", "arm64"}


@needs_go
def test_go_gives_the_same_bytes_wherever_it_stands(
    program: Compiled, bench: Bench, tmp_path: Path
) -> None:
    function = program({"go.mod": "module loader\n\ngo 1.21\n", "main.go": MAIN})
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(function.dir, elsewhere)
    other = replace(function, dir=elsewhere)
    bench.build(function, LAMBDA)
    shutil.move(bench.cache / "binaries", tmp_path / "first")
    bench.build(other, LAMBDA)
    (one,), (two,) = (
        [file.read_bytes() for file in place.iterdir()]
        for place in (tmp_path / "first", bench.cache / "binaries")
    )
    assert one == two


@needs_go
def test_go_without_a_module(program: Compiled, bench: Bench, tmp_path: Path) -> None:
    helper = 'package main\n\nfunc word() string { return "helper" }\n'
    test = "package main\n\nfunc broken(\n"
    main = MAIN.replace('"hello"', "word()")
    function = program({"main.go": main, "helper.go": helper, "main_test.go": test})
    assert output(bench.build(function), tmp_path) == "helper\n"


@needs_go
def test_a_local_go_module_counts(program: Compiled, bench: Bench, tmp_path: Path) -> None:
    main = 'package main\n\nimport (\n\t"fmt"\n\n\tx "example.com/words/deep"\n)\n\n'
    main += "func main() { fmt.Println(x.Word()) }\n"
    mod = "module loader\n\ngo 1.21\n\nrequire example.com/words v0.0.0\n\n"
    mod += "replace example.com/words => ../words\n"
    function = program({"go.mod": mod, "main.go": main})
    words = function.dir.parent / "words"
    (words / "deep").mkdir(parents=True)
    (words / "go.mod").write_text("module example.com/words\n\ngo 1.21\n")
    (words / "deep/word.go").write_text('package deep\n\nfunc Word() string { return "one" }\n')
    (words / "unused.go").write_text("package words\n")
    assert output(bench.build(function), tmp_path) == "one\n"
    (words / "unused.go").write_text("package words\n\nvar X = 1\n")
    bench.build(function)
    assert bench.compilations == 1
    (words / "deep/word.go").write_text('package deep\n\nfunc Word() string { return "two" }\n')
    assert output(bench.build(function), tmp_path) == "two\n"


@needs_go
def test_packages_of_the_module_and_embedded_files_count(
    program: Compiled, bench: Bench, tmp_path: Path
) -> None:
    main = 'package main\n\nimport "fmt"\nimport "app/inner"\n\n'
    main += "func main() { fmt.Print(inner.Text) }\n"
    inner = 'package inner\n\nimport _ "embed"\n\n//go:embed data/a.txt\nvar Text string\n'
    function = program({"main.go": main})
    top = function.dir.parent
    (top / "go.mod").write_text("module app\n\ngo 1.21\n")
    (top / "inner/data").mkdir(parents=True)
    (top / "inner/inner.go").write_text(inner)
    (top / "inner/data/a.txt").write_text("first")
    assert output(bench.build(function), tmp_path) == "first"
    (top / "inner/data/a.txt").write_text("second")
    assert output(bench.build(function), tmp_path) == "second"


def test_a_go_workspace_counts(program: Compiled) -> None:
    main = 'package main\n\nimport "example.com/words"\n'
    function = program({"go.mod": "module loader\n", "main.go": main})
    top = function.dir.parent
    (top / "go.work").write_text("go 1.21\n\nuse (\n\t./loader // here\n\t./words\n)\n")
    (top / "words").mkdir()
    (top / "words/go.mod").write_text("module example.com/words\n")
    (top / "words/w.go").write_text("package words\n")
    found = [os.path.relpath(file, top) for file in go.inputs(function.dir, top)]
    assert found == ["go.work", "loader/go.mod", "loader/main.go", "words/go.mod", "words/w.go"]


@needs_go
def test_what_go_says_is_told(program: Compiled, bench: Bench) -> None:
    function = program({"go.mod": "module loader\n", "main.go": MAIN + "func broken() { x }\n"})
    with pytest.raises(TcError, match=r"`loader` can't be built: `go build(.|\n)*undefined: x"):
        bench.build(function)
    assert list((bench.cache / "binaries").iterdir()) == []
    assert list((bench.cache / "staging").iterdir()) == []


def test_a_machine_without_the_compiler(
    program: Compiled, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = program({"main.go": MAIN})
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(TcError) as local:
        bench.build(function)
    assert str(local.value).startswith("`loader` is written in Go, and this machine has no `go`")
    with pytest.raises(TcError, match="no container engine") as error:
        bench.build(function, LAMBDA)
    assert "builder.images" in error.value.hint


@needs_rust
def test_a_rust_program_is_compiled_once(program: Compiled, bench: Bench, tmp_path: Path) -> None:
    function = program({"Cargo.toml": CARGO, "src/main.rs": RUST})
    before = sorted(function.dir.rglob("*"))
    first = bench.build(function)
    assert output(first, tmp_path) == "hello\n"
    assert bench.build(function) == first
    assert bench.compilations == 1
    assert sorted(function.dir.rglob("*")) == before
    (function.dir / "src/main.rs").write_text(RUST.replace("hello", "changed"))
    assert output(bench.build(function), tmp_path) == "changed\n"


@needs_rust
@pytest.mark.skipif(machine.machine() != "x86_64", reason="cargo here is for another CPU")
def test_rust_for_lambda_fits_its_c_library(program: Compiled, bench: Bench) -> None:
    function = program({"Cargo.toml": CARGO, "src/main.rs": RUST})
    bench.build(function, LAMBDA)
    (file,) = (bench.cache / "binaries").iterdir()
    elf = read(file)
    assert elf
    assert elf.cpu == "x86_64"
    assert elf.glibc <= (2, 34)


@needs_rust
def test_crates_beside_it_and_its_workspace_count(
    program: Compiled, bench: Bench, tmp_path: Path
) -> None:
    manifest = CARGO + '\n[dependencies]\nwords = { path = "../words" }\n'
    main = 'fn main() { println!("{}", words::word()); }\n'
    function = program({"Cargo.toml": manifest, "src/main.rs": main})
    top = function.dir.parent
    members = '[workspace]\nresolver = "2"\nmembers = ["loader", "words"]\n'
    (top / "Cargo.toml").write_text(members)
    (top / "words/src").mkdir(parents=True)
    (top / "words/Cargo.toml").write_text(CARGO.replace("loader", "words"))
    (top / "words/src/lib.rs").write_text('pub fn word() -> &\'static str { "one" }\n')
    assert output(bench.build(function), tmp_path) == "one\n"
    assert not (top / "Cargo.lock").exists()
    (top / "words/src/lib.rs").write_text('pub fn word() -> &\'static str { "two" }\n')
    assert output(bench.build(function), tmp_path) == "two\n"


def test_a_crate_that_the_workspace_names_counts(program: Compiled) -> None:
    manifest = CARGO + "\n[dependencies]\nwords = { workspace = true }\n"
    function = program({"Cargo.toml": manifest, "src/main.rs": RUST})
    top = function.dir.parent
    (top / "Cargo.toml").write_text(
        '[workspace]\nmembers = ["loader"]\n[workspace.dependencies]\nwords = { path = "words" }\n'
    )
    (top / "words").mkdir()
    (top / "words/Cargo.toml").write_text(CARGO)
    found = [os.path.relpath(file, top) for file in rust.inputs(function.dir, top)]
    assert found == ["Cargo.toml", "loader/Cargo.toml", "loader/src/main.rs", "words/Cargo.toml"]


@needs_rust
def test_which_program_is_the_function(program: Compiled, bench: Bench, tmp_path: Path) -> None:
    other = RUST.replace("hello", "other")
    files = {"Cargo.toml": CARGO, "src/main.rs": RUST, "src/bin/other.rs": other}
    assert rust.binary(program(files).dir, "loader") == "loader"
    assert rust.binary(program(files, "other").dir, "other") == "other"
    with pytest.raises(TcError, match="has the programs loader, other"):
        rust.binary(program(files, "third").dir, "third")
    function = program({**files, "src/bin/bootstrap.rs": RUST.replace("hello", "boot")})
    assert output(bench.build(function), tmp_path) == "boot\n"


def test_a_broken_manifest_has_a_place(program: Compiled, bench: Bench) -> None:
    with pytest.raises(TcError, match="can't be read") as error:
        bench.build(program({"Cargo.toml": "[package\n"}))
    assert error.value.where.endswith("loader/Cargo.toml")


def test_the_users_home_is_in_no_program() -> None:
    given = {"CARGO_HOME": "/home/ada/.cargo", "CARGO_BUILD_RUSTFLAGS": "-C debuginfo=0"}
    made = rust.environment(given)
    flags = "-C debuginfo=0 --remap-path-prefix=/home/ada/.cargo=/cargo"
    assert made["CARGO_BUILD_RUSTFLAGS"] == flags
    # cargo has no way to write a space
    assert "CARGO_BUILD_RUSTFLAGS" not in rust.environment({"CARGO_HOME": "/home/ada lovelace/c"})


@needs_go
def test_commands_stand_around_the_compiler(program: Compiled, cache: Path, tmp_path: Path) -> None:
    """`pre` makes sources, `post` adds files; a module beside the function is there for both."""
    main = 'package main\n\nimport "words"\n\nfunc main() { print(words.Word, made) }\n'
    mod = "module loader\n\ngo 1.21\n\nrequire words v0.0.0\n\nreplace words => ../words\n"
    function = program({"go.mod": mod, "main.go": main, "notes.txt": ""})
    words = function.dir.parent / "words"
    words.mkdir()
    (words / "go.mod").write_text("module words\n\ngo 1.21\n")
    (words / "w.go").write_text('package words\n\nconst Word = "one "\n')
    runs = tmp_path / "runs"
    pre = f"echo x >> {runs}; printf 'package main\\nconst made = 7\\n' > made.go"
    built = replace(function, build=Build(pre=[pre], post=["./bootstrap 2> said.txt"]))
    before = sorted(function.dir.iterdir())

    def said() -> dict[str, bytes]:
        with zipfile.ZipFile(package(built, cache, silent).path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    first = said()
    assert sorted(first) == ["bootstrap", "said.txt"]
    assert first["said.txt"] == b"one 7"
    assert said() == first
    assert runs.read_text() == "x\n"
    (words / "w.go").write_text('package words\n\nconst Word = "two "\n')
    assert said()["said.txt"] == b"two 7"
    assert sorted(function.dir.iterdir()) == before
    broken = replace(built, build=Build(pre=["true"]))
    with pytest.raises(TcError, match="undefined: made") as error:
        package(broken, cache, silent)
    assert error.value.where.endswith("etl/loader")


def test_a_program_that_pre_makes_is_taken(program: Compiled, cache: Path) -> None:
    function = program({"main.go": MAIN})
    made = replace(function, build=Build(pre=["echo made > bootstrap && chmod +x bootstrap"]))
    with zipfile.ZipFile(package(made, cache, silent).path) as archive:
        assert archive.read("bootstrap") == b"made\n"


def test_rust_in_a_container_keeps_what_it_compiled(program: Compiled, bench: Bench) -> None:
    engine = Noting()
    function = program({"Cargo.toml": CARGO, "src/main.rs": RUST})
    tools = replace(bench.tools, containers=engine, always=True)
    for _ in range(2):
        with pytest.raises(TcError, match="no more"):
            build(function, LAMBDA, tools)
    one, two = engine.jobs
    assert one.commands == two.commands
    assert one.environment["CARGO_HOME"].startswith("/cache/")
    assert any(word.startswith("/cache/") for command in one.commands for word in command)
    assert one.source == function.dir


def test_go_is_told_what_lambda_is() -> None:
    given = {"GOOS": "plan9", "CGO_ENABLED": "1", "GOFLAGS": "-mod=mod"}
    arm = replace(LAMBDA, arch="arm64")
    linux = {"GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64"}
    assert go.environment(given, arm) == linux
    assert go.environment(given, HERE) == {"GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}


def test_vendored_modules_count(program: Compiled) -> None:
    files = {"go.mod": "module loader\n", "main.go": MAIN, "vendor/example.com/x/x.go": ""}
    function = program(files)
    assert function.dir / "vendor/example.com/x/x.go" in go.inputs(function.dir, function.dir)


def test_patched_crates_and_settings_of_cargo_count(program: Compiled) -> None:
    manifest = CARGO + '\n[patch.crates-io]\nwords = { path = "../words" }\n'
    function = program({"Cargo.toml": manifest, "src/main.rs": RUST})
    top = function.dir.parent
    more = (".cargo/config.toml", "rust-toolchain.toml", "words/Cargo.toml", "words/src/lib.rs")
    for name in more:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(CARGO)
    assert {top / name for name in more} < set(rust.inputs(function.dir, top))


@pytest.mark.skipif(sys.platform != "linux", reason="programs here are no ELF files")
def test_a_program_for_another_cpu_is_refused(program: Compiled, bench: Bench) -> None:
    """As when a setting of cargo's own chooses the target."""
    wrong = Path(shutil.which("true") or "/bin/true").read_bytes()
    foreign = "arm64" if machine.machine() == "x86_64" else "x86_64"

    class Other(NoEngine):
        def run(self, job: Job) -> None:
            (job.directory / "out").mkdir()
            (job.directory / "out/bootstrap").write_bytes(wrong)

    tools = replace(bench.tools, containers=Other(), always=True)
    with pytest.raises(TcError, match="can't run on Lambda") as error:
        build(program({"main.go": MAIN}), replace(LAMBDA, arch=foreign), tools)
    assert error.value.code == "wrong-binary"
    assert list((bench.cache / "binaries").iterdir()) == []
