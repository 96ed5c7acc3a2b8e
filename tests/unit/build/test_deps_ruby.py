"""Ruby dependencies, by the real bundler of this machine and an index in a directory."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from build_files import Make

from tc.build.deps import ruby
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.events import silent
from tc.processes import Running
from tc.spec.function import Build, Function
from tc.spec.layer import Package, Platform

LAMBDA = Platform("ruby3.4", "arm64")
HERE = replace(LAMBDA, host="/usr/bin/ruby")

needs_bundler = pytest.mark.skipif(shutil.which("bundle") is None, reason="bundler is missing")
ENDING = "s.summary = 'x'; s.authors = ['a']; }\n"


@dataclass
class Engine:
    jobs: list[Job] = field(default_factory=list)
    refusal: str = "no engine here"

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        raise TcError(self.refusal, code="no-container-engine")

    def provided(self, platform: Platform) -> frozenset[str]:
        raise AssertionError(platform)


@dataclass
class Bench:
    cache: Path
    out: Path
    engine: Engine = field(default_factory=Engine)
    always: bool = False

    def install(self, function: Function, platform: Platform = LAMBDA) -> dict[str, Package]:
        needs = ruby.needs(function, platform)
        assert needs
        tools = Tools(self.cache, silent, Running(), self.engine, self.always)
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        made = ruby.install(needs, [function.name], platform, self.out, tools)
        return {package.name: package for package in made}


@pytest.fixture
def bench(cache: Path, tmp_path: Path) -> Bench:
    cache.mkdir(mode=0o700)
    return Bench(cache, tmp_path / "layer")


def gem(place: Path, name: str, version: str, more: str = "", files: Any = None) -> None:
    """Builds a gem into the index `place`."""
    source = place / "sources" / f"{name}{abs(hash(more))}"
    content = {f"lib/{name}.rb": f"{name.upper()} = '{version}'\n", **(files or {})}
    for file, text in content.items():
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_text(text)
    listed = ", ".join(f"'{file}'" for file in content)
    said = f"s.name = '{name}'; s.version = '{version}'; s.files = [{listed}]; {more}"
    (source / "it.gemspec").write_text(f"Gem::Specification.new {{ |s| {said}; {ENDING}")
    ruby_run("gem", "build", "it.gemspec", cwd=source)
    (place / "gems").mkdir(exist_ok=True)
    for made in source.glob("*.gem"):
        shutil.move(made, place / "gems" / made.name)


def ruby_run(*words: str, cwd: Path) -> str:
    ran = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An index with a gem in plain Ruby, one that must be compiled, and one for each CPU."""
    place = tmp_path_factory.mktemp("gems")
    asked = ["gem", "generate_index", "--help"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("gem can't make an index here (rubygems-generate_index)")
    gem(place, "shout", "1.2.0")
    gem(place, "linty", "0.1.0")
    extension = {
        "ext/native/extconf.rb": "require 'mkmf'; create_makefile 'native_c'\n",
        "ext/native/native.c": "#include <ruby.h>\nvoid Init_native_c(void) {}\n",
    }
    more = "s.extensions = ['ext/native/extconf.rb']"
    gem(place, "native", "2.0.0", more, extension)
    for cpu in ("x86_64-linux", "aarch64-linux"):
        gem(place, "each", "3.0.0", f"s.platform = '{cpu}'", {"lib/cpu": cpu})
    ruby_run("gem", "generate_index", "--directory", ".", cwd=place)
    return f"file://{place}"


def function(make: Make, gemfile: str, **fields: Any) -> Function:
    return make({"handler.rb": "", "Gemfile": gemfile}, "app", runtime="ruby3.4", **fields)


@pytest.mark.parametrize(
    "gemfile",
    [
        "",
        "source 'x'\n# gem 'a'\n",
        "group :development, :test do\n  gem 'a'\nend\n",
        "gem 'a', group: :test\ngem 'b', '1', groups: [:test]\n",
        "group :test do\n  platforms :mri do\n    gem 'a'\n  end\n  gem 'b'\nend\n",
    ],
)
def test_nothing_is_needed(make: Make, gemfile: str) -> None:
    one = function(make, gemfile)
    assert ruby.needs(one, LAMBDA) is None
    (one.dir / "Gemfile").unlink()
    assert ruby.needs(one, LAMBDA) is None


@pytest.mark.parametrize(
    "gemfile",
    [
        "gem 'a'\n",
        "gem('a', '~> 1')\n",
        "group :test do\n  gem 'a'\nend\ngem 'b'\n",
        "group :test, :web do\n  gem 'a'\nend\n",
        "if ENV['X']\n  gem 'a'\nend\n",
    ],
)
def test_something_is_needed(make: Make, gemfile: str) -> None:
    assert ruby.needs(function(make, gemfile), LAMBDA)


def test_only_what_decides_counts(make: Make) -> None:
    one = function(make, "gem 'a'\n")

    def digest(function: Function = one, platform: Platform = LAMBDA) -> str:
        found = ruby.needs(function, platform)
        assert found
        return found.digest

    first = digest()
    (one.dir / "Gemfile").write_text("# about a\n\ngem 'a'\n")
    assert digest() == first
    assert digest(platform=Platform("ruby3.3", "arm64")) != first
    assert digest(platform=HERE) != first
    assert digest(replace(one, build=Build(skip_dev_deps=False))) != first
    (one.dir / "Gemfile.lock").write_text("GEM\n")
    assert digest() != first


@pytest.mark.parametrize(
    ("gemfile", "build", "message"),
    [
        ("gem 'a', path: '../gone'", Build(), "which is no directory"),
        ("gem 'a', path: '../../../..'", Build(), "outside of"),
        ("gem 'a', :path => '..'", Build(shared_context=False), "outside of"),
        ("gem 'a'", Build(package_manager="npm"), "`npm` installs no gems"),
    ],
)
def test_what_can_not_be_had(make: Make, gemfile: str, build: Build, message: str) -> None:
    with pytest.raises(TcError, match=message):
        ruby.needs(function(make, gemfile, build=build), LAMBDA)


@needs_bundler
def test_gems_are_where_lambdas_ruby_looks(make: Make, bench: Bench, index: str) -> None:
    text = f"source '{index}'\nruby '3.4.1'\ngem 'shout'\ngem 'each'\n"
    one = function(make, f"{text}group :test do\n  gem 'linty'\nend\n")
    before = sorted(one.dir.rglob("*"))
    found = bench.install(one)
    assert sorted(one.dir.rglob("*")) == before
    assert sorted(found) == ["each", "shout"]
    gems = bench.out / "ruby/gems/3.4.0"
    assert (gems / "gems/each-3.0.0-aarch64-linux/lib/cpu").read_text() == "aarch64-linux"
    made = sorted(p.relative_to(bench.out).as_posix() for p in bench.out.rglob("*") if p.is_file())
    assert sorted(file for package in found.values() for file in package.files) == made
    asked = ruby_run(
        "ruby",
        "-e",
        f"Gem.paths = {{'GEM_PATH' => '{gems}'}}; require 'shout'; print SHOUT",
        cwd=gems,
    )
    assert asked == "1.2.0"
    found = bench.install(one, Platform("ruby3.4", "x86_64"))
    assert (gems / "gems/each-3.0.0-x86_64-linux/lib/cpu").read_text() == "x86_64-linux"
    assert bench.engine.jobs == []


@needs_bundler
def test_development_gems_when_asked_for(make: Make, bench: Bench, index: str) -> None:
    text = f"source '{index}'\ngem 'shout'\ngroup :test do\n  gem 'linty'\nend\n"
    assert sorted(bench.install(function(make, text))) == ["shout"]
    both = function(make, text, build=Build(skip_dev_deps=False))
    assert sorted(bench.install(both)) == ["linty", "shout"]


@needs_bundler
def test_a_lock_file_is_followed(make: Make, bench: Bench, index: str, tmp_path: Path) -> None:
    gem(Path(index.removeprefix("file://")), "late", "1.0.0")
    gem(Path(index.removeprefix("file://")), "late", "1.1.0")
    ruby_run("gem", "generate_index", "--directory", ".", cwd=Path(index.removeprefix("file://")))
    one = function(make, f"source '{index}'\ngem 'late'\n")
    lock = (
        f"GEM\n  remote: {index}/\n  specs:\n    late (1.0.0)\n\nPLATFORMS\n  ruby\n\n"
        "DEPENDENCIES\n  late\n\nRUBY VERSION\n   ruby 3.4.1p0\n\nBUNDLED WITH\n   2.9.9\n"
    )
    (one.dir / "Gemfile.lock").write_text(lock)
    assert bench.install(one)["late"].version == "1.0.0"
    (one.dir / "Gemfile").write_text(f"source '{index}'\ngem 'late'\ngem 'shout'\n")
    with pytest.raises(TcError, match=r"the dependencies of app can't be built: `bundle install`"):
        bench.install(one)


@needs_bundler
def test_a_gem_that_is_named_by_a_path(make: Make, bench: Bench, index: str) -> None:
    one = function(make, f"source '{index}'\ngem 'words', path: '../words'\n")
    words = one.dir.parent / "words"
    (words / "lib").mkdir(parents=True)
    (words / "lib/words.rb").write_text("WORDS = 'one'\n")
    said = "s.name = 'words'; s.version = '9.0.0'; s.files = `git ls-files`.split"
    (words / "words.gemspec").write_text(f"Gem::Specification.new {{ |s| {said}; {ENDING}")
    assert bench.install(one)["words"].version == "9.0.0"
    gems = bench.out / "ruby/gems/3.4.0"
    code = f"Gem.paths = {{'GEM_PATH' => '{gems}'}}; require 'words'; print WORDS"
    assert ruby_run("ruby", "-e", code, cwd=gems) == "one"
    first = ruby.needs(one, LAMBDA)
    (words / "lib/words.rb").write_text("WORDS = 'two'\n")
    assert ruby.needs(one, LAMBDA) != first


@needs_bundler
def test_what_must_be_compiled_goes_to_the_container(make: Make, bench: Bench, index: str) -> None:
    one = function(make, f"source '{index}'\ngem 'native'\n")
    with pytest.raises(TcError, match=r"can't be installed: (.|\n)*in a container: no engine"):
        bench.install(one)
    (job,) = bench.engine.jobs
    assert job.platform == LAMBDA
    assert [words[5:] for words in job.commands] == [
        ["bundle", "install"],
        ["ruby", "/build/ruby_collect.rb", "/build/out"],
    ]
    assert job.environment["BUNDLE_PATH"] == "/build/out"
    assert "TC_GEM_PLATFORM" not in job.environment


@needs_bundler
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_on_this_machine_gems_are_compiled_here(make: Make, bench: Bench, index: str) -> None:
    probe = ["ruby", "-e", "require 'mkmf'"]
    if subprocess.run(probe, capture_output=True, cwd=bench.cache).returncode:
        pytest.skip("Ruby has no headers here (ruby-dev)")
    package = bench.install(function(make, f"source '{index}'\ngem 'native'\n"), HERE)["native"]
    assert any(file.endswith("native_c.so") for file in package.files)
    assert not any(file.endswith((".o", "mkmf.log", "gem_make.out")) for file in package.files)
    assert bench.engine.jobs == []


@needs_bundler
def test_what_a_container_compiled_has_its_libraries(
    make: Make, bench: Bench, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = function(make, f"source '{index}'\ngem 'native'\n")

    def run(job: Job) -> None:
        files = {
            "ruby/3.4.0/gems/native-1.0.0/lib/native_c.so": "compiled",
            "ruby/3.4.0/gems/native-1.0.0/ext/native/native_c.so": "compiled",
            "ruby/3.4.0/specifications/native-1.0.0.gemspec": "# stub: native 1.0.0 ruby lib\n",
            "lib/libgmp.so.10": "linked to",
        }
        for name, text in files.items():
            (job.directory / "out" / name).parent.mkdir(parents=True, exist_ok=True)
            (job.directory / "out" / name).write_text(text)

    monkeypatch.setattr(bench.engine, "run", run)
    made = bench.install(one)
    assert made["native"].files == (
        "ruby/gems/3.4.0/gems/native-1.0.0/lib/native_c.so",
        "ruby/gems/3.4.0/specifications/native-1.0.0.gemspec",
    )
    assert made["shared libraries"].files == ("lib/libgmp.so.10",)
    assert (bench.out / "lib/libgmp.so.10").read_text() == "linked to"


def test_passwords_of_hosts_go_into_a_container_unseen(
    make: Make, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PATH": "/nonexistent", "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("BUNDLE_USER_CONFIG", "BUNDLE_USER_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".bundle").mkdir()
    text = '---\nBUNDLE_GEMS__EXAMPLE__COM: "ada:secret-word"\nBUNDLE_PATH: "/mine"\n'
    (tmp_path / ".bundle/config").write_text(text)
    with pytest.raises(TcError):
        bench.install(function(make, "gem 'a'\n"))
    (job,) = bench.engine.jobs
    assert job.secrets == {"BUNDLE_GEMS__EXAMPLE__COM": "ada:secret-word"}
    assert "secret-word" not in f"{job.commands} {job.environment}"


def test_without_bundler(make: Make, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    one = function(make, "gem 'a'\n")
    with pytest.raises(TcError, match="this machine has no bundler; and in a container: no engine"):
        bench.install(one)
    with pytest.raises(TcError, match=r"this machine has no bundler$") as error:
        bench.install(one, HERE)
    assert error.value.code == "no-tool"
