"""Node.js dependencies: which manager installs what, by the real npm of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from build_files import Make

from tc.build.deps import Needs, node
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.events import Event
from tc.processes import Running
from tc.spec.function import Build, Function
from tc.spec.layer import Package, Platform

LAMBDA = Platform("nodejs24.x", "arm64")
HERE = replace(LAMBDA, host="/usr/bin/node")
LIBRARY = {"name": "words", "version": "2.1.0", "main": "index.js"}

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@dataclass
class Engine:
    """A container engine that writes down what it is asked for, and does `made` instead."""

    jobs: list[Job] = field(default_factory=list)
    refusal: str = ""
    #: installs really, by the npm of this machine, and compiles as node-gyp would
    runs: bool = False
    #: for each job, whether a .npmrc was among its files as more than a link
    copies: list[bool] = field(default_factory=list)

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        found = job.directory.rglob(".npmrc")
        self.copies.append(any(not file.is_symlink() for file in found))
        if self.refusal:
            raise TcError(self.refusal, code="no-container-engine")
        (words,) = job.commands
        if self.runs and "install" in words:
            there = words[4].replace("/build", str(job.directory))
            subprocess.run([*words[:4], there, *words[5:]], check=True, capture_output=True)
            return
        for manifest in list(job.directory.rglob("binding.gyp")):
            for name in ("Release/made.node", "Release/obj.target/made.o", "config.gypi"):
                made = manifest.parent / "build" / name
                made.parent.mkdir(parents=True, exist_ok=True)
                made.write_text("compiled")
            (job.directory / "lib").mkdir(exist_ok=True)
            (job.directory / "lib/libwords.so.1").write_text("linked to")

    def provided(self, platform: Platform) -> frozenset[str]:
        raise AssertionError(platform)


@dataclass
class Bench:
    cache: Path
    out: Path
    engine: Engine = field(default_factory=Engine)
    told: list[str] = field(default_factory=list)
    always: bool = False

    def install(self, function: Function, platform: Platform = LAMBDA) -> tuple[Package, ...]:
        needs = node.needs(function, platform)
        assert needs
        tools = Tools(self.cache, self._emit, Running(), self.engine, self.always)
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        return node.install(needs, [function.name], platform, self.out, tools)

    def _emit(self, event: Event) -> None:
        self.told.append(event.text)


@pytest.fixture
def bench(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    cache.mkdir(mode=0o700)
    # nothing here is fetched
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    return Bench(cache, tmp_path / "layer")


def manifest(**more: Any) -> str:
    return json.dumps({"name": "app", "version": "1.0.0", **more})


def function(make: Make, files: dict[str, str], **fields: Any) -> Function:
    return make(files, "app", runtime="nodejs24.x", **fields)


def digest(function: Function, platform: Platform = LAMBDA) -> str:
    needs = node.needs(function, platform)
    assert isinstance(needs, Needs)
    return needs.digest


@pytest.fixture
def local(make: Make) -> Function:
    """A function that depends on a package beside it, which depends on another one."""
    made = function(
        make,
        {
            "package.json": manifest(dependencies={"words": "file:../words"}),
            "handler.js": "",
        },
    )
    for name, said in {
        "words": {**LIBRARY, "dependencies": {"deep": "file:../deep"}},
        "deep": {**LIBRARY, "name": "deep"},
    }.items():
        place = made.dir.parent / name
        place.mkdir()
        (place / "package.json").write_text(json.dumps(said))
        (place / "index.js").write_text("module.exports = 'one'")
    return made


@pytest.mark.parametrize(
    ("files", "build"),
    [
        ({}, Build()),
        ({"package.json": manifest()}, Build()),
        ({"package.json": manifest(dependencies={})}, Build()),
        ({"package.json": manifest(devDependencies={"a": "1"})}, Build()),
        ({"package.json": manifest(dependencies={"a": "1"})}, Build(bundle=True)),
    ],
)
def test_nothing_is_needed(make: Make, files: dict[str, str], build: Build) -> None:
    assert node.needs(function(make, files, build=build), LAMBDA) is None


def test_only_what_decides_counts(make: Make) -> None:
    files = {"package.json": manifest(dependencies={"a": "1"}), "package-lock.json": "{}"}
    one = function(make, files)
    first = digest(one)
    (one.dir / "package.json").write_text(
        manifest(dependencies={"a": "1"}, devDependencies={"b": "1"}, scripts={"t": "x"})
    )
    assert digest(one) == first
    assert digest(replace(one, build=Build(skip_dev_deps=False))) != first
    assert digest(one, Platform("nodejs24.x", "x86_64")) != first
    assert digest(one, HERE) != first
    (one.dir / "package-lock.json").write_text("{ }")
    assert digest(one) != first


def test_files_of_local_packages_count(local: Function) -> None:
    first = digest(local)
    (local.dir.parent / "deep/index.js").write_text("module.exports = 'two'")
    assert digest(local) != first


@pytest.mark.parametrize(
    ("locks", "said", "field", "manager"),
    [
        ([], None, None, "npm"),
        (["pnpm-lock.yaml"], None, None, "pnpm"),
        (["yarn.lock"], None, None, "yarn"),
        (["npm-shrinkwrap.json"], None, None, "npm"),
        (["yarn.lock", "package-lock.json"], "npm", None, "npm"),
        (["yarn.lock", "package-lock.json"], None, "yarn@4.1.0", "yarn"),
    ],
)
def test_who_installs(
    make: Make, locks: list[str], said: Any, field: str | None, manager: str
) -> None:
    text = manifest(dependencies={"a": "1"}, **({"packageManager": field} if field else {}))
    files = {"package.json": text, **dict.fromkeys(locks, "x")}
    needs = node.needs(function(make, files, build=Build(package_manager=said)), LAMBDA)
    assert needs
    assert needs.detail.manager == manager
    assert node.LOCKS.get(needs.detail.lock, manager) == manager


@pytest.mark.parametrize(
    ("files", "said", "message"),
    [
        ({"yarn.lock": "", "package-lock.json": ""}, None, "lock files of several managers"),
        ({}, "uv", "`uv` installs no packages for it"),
    ],
)
def test_who_installs_must_be_known(
    make: Make, files: dict[str, str], said: Any, message: str
) -> None:
    text = manifest(dependencies={"a": "1"})
    one = function(make, {"package.json": text, **files}, build=Build(package_manager=said))
    with pytest.raises(TcError, match=message):
        node.needs(one, LAMBDA)


@pytest.mark.parametrize(
    ("version", "build", "message"),
    [
        ("file:../gone", Build(), "which isn't there"),
        ("file:../../../..", Build(), "outside of"),
        ("file:../words", Build(shared_context=False), "outside of"),
        ("workspace:*", Build(), "a layer has no workspace"),
    ],
)
def test_what_can_not_be_had(local: Function, version: str, build: Build, message: str) -> None:
    (local.dir / "package.json").write_text(manifest(dependencies={"words": version}))
    with pytest.raises(TcError, match=message):
        node.needs(replace(local, build=build), LAMBDA)


def test_a_file_that_is_no_json_has_a_place(make: Make) -> None:
    with pytest.raises(TcError, match="this isn't JSON") as error:
        node.needs(function(make, {"package.json": "{"}), LAMBDA)
    assert error.value.where.endswith("app/package.json")


@needs_npm
def test_local_packages_and_what_they_need_are_installed(local: Function, bench: Bench) -> None:
    before = sorted(local.dir.rglob("*"))
    (package,) = bench.install(local)
    assert sorted(local.dir.rglob("*")) == before
    assert (package.name, package.version) == ("words", "2.1.0")
    assert all(not path.is_symlink() for path in bench.out.rglob("*"))
    told = sorted(p.relative_to(bench.out).as_posix() for p in bench.out.rglob("*") if p.is_file())
    assert sorted(package.files) == told
    assert "nodejs/node_modules/words/node_modules/deep/index.js" in told
    code = "console.log(require('words'), require('words/node_modules/deep'))"
    ran = subprocess.run(
        ["node", "-e", code],
        env={
            "NODE_PATH": str(bench.out / "nodejs/node_modules"),
            "PATH": "/usr/local/bin:/usr/bin",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "one one\n"


@needs_npm
def test_a_lock_file_is_followed_or_refused(local: Function, bench: Bench) -> None:
    (local.dir / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {}}}')
    with pytest.raises(TcError, match=r"the dependencies of app can't be built: `npm ci") as error:
        bench.install(local)
    assert "npm install" in error.value.hint
    assert list(bench.out.iterdir()) == []


@needs_npm
def test_scripts_of_packages_do_not_run(local: Function, bench: Bench, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    scripts = {"preinstall": f"touch {proof}", "postinstall": f"touch {proof}"}
    said = {**LIBRARY, "scripts": scripts}
    (local.dir.parent / "words/package.json").write_text(json.dumps(said))
    own = manifest(dependencies={"words": "file:../words"}, scripts=scripts)
    (local.dir / "package.json").write_text(own)
    bench.install(local)
    assert not proof.exists()
    assert bench.told == ["the dependencies of app: install scripts weren't run: words"]


@needs_npm
def test_what_must_be_compiled_goes_to_the_container(local: Function, bench: Bench) -> None:
    (local.dir.parent / "words/package.json").write_text(json.dumps(LIBRARY))
    (local.dir.parent / "words/binding.gyp").write_text("{}")
    package, _ = bench.install(local)
    assert "nodejs/node_modules/words/build/Release/made.node" in package.files
    (job,) = bench.engine.jobs
    assert job.platform == LAMBDA
    assert [words[-3:] for words in job.commands] == [["npm", "rebuild", "words"]]
    bench.engine.refusal = "no engine here"
    with pytest.raises(TcError, match="words must be compiled, and in a container: no engine"):
        bench.install(local)


def test_without_the_manager_the_container_installs(
    local: Function, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (local.dir.parent / "words/package.json").write_text(json.dumps(LIBRARY))
    bench.install(local)
    (job,) = bench.engine.jobs
    (words,) = job.commands
    assert words[4:7] == ["/build/files/app", "npm", "install"]
    assert "--cpu=arm64" in words
    bench.engine.refusal = "no engine here"
    with pytest.raises(TcError, match="no `npm`, and in a container: no engine here") as error:
        bench.install(local)
    assert error.value.hint == "install Node.js"
    with pytest.raises(TcError, match=r"this machine has no `npm`$"):
        bench.install(local, HERE)


@needs_npm
def test_a_build_in_containers_is_all_there(local: Function, bench: Bench) -> None:
    bench.always = True
    (local.dir.parent / "words/package.json").write_text(json.dumps(LIBRARY))
    bench.install(local)
    assert len(bench.engine.jobs) == 1


@needs_npm
def test_native_packages_are_compiled_in_containers_too(local: Function, bench: Bench) -> None:
    """Scripts don't run while packages are installed, wherever that is."""
    bench.always = True
    bench.engine.runs = True
    (local.dir.parent / "words/package.json").write_text(json.dumps(LIBRARY))
    (local.dir.parent / "words/binding.gyp").write_text("{}")
    packages = bench.install(local)
    install, rebuild = (job.commands[0] for job in bench.engine.jobs)
    assert install[5:7] == ["npm", "install"]
    assert rebuild[-3:] == ["npm", "rebuild", "words"]
    assert {package.name: package.files for package in packages} == {
        "words": (
            "nodejs/node_modules/words/binding.gyp",
            "nodejs/node_modules/words/build/Release/made.node",
            "nodejs/node_modules/words/index.js",
            "nodejs/node_modules/words/package.json",
        ),
        "shared libraries": ("lib/libwords.so.1",),
    }


@pytest.mark.parametrize("version", ["workspace:*", "^2.1.0"])
def test_a_package_of_the_workspace_has_a_way_out(local: Function, version: str) -> None:
    """npm and yarn take it for a version like ``^2.1.0`` too, and never ask a registry."""
    said = manifest(dependencies={"words": version})
    (local.dir / "package.json").write_text(said)
    (local.dir.parent / "package.json").write_text('{"workspaces": ["*"]}')
    with pytest.raises(TcError, match="is a package of the workspace") as error:
        node.needs(local, LAMBDA)
    assert '"words": "file:../words"' in error.value.hint


def test_tokens_go_into_a_container_unseen(
    local: Function, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WORDS_TOKEN", "token-of-words")
    monkeypatch.delenv("NPM_CONFIG_USERCONFIG", raising=False)
    (tmp_path / ".npmrc").write_text(
        "prefix=/opt/mine\n@team:registry=https://npm.example.com/\n"
        "; why\n//npm.example.com/:_authToken=token-of-home\n"
    )
    (local.dir / ".npmrc").write_text(
        "legacy-peer-deps=true\n//words.example.com/:_authToken=${WORDS_TOKEN}\nx=${UNKNOWN}\n"
    )
    bench.install(local)
    (job, *_) = bench.engine.jobs
    assert job.secrets == {
        "TC_NPMRC": "@team:registry=https://npm.example.com/\n"
        "//npm.example.com/:_authToken=token-of-home\n"
        "legacy-peer-deps=true\n//words.example.com/:_authToken=token-of-words\nx=${UNKNOWN}\n",
        "TC_NPMRC_TOKEN_0": "token-of-home",
        "TC_NPMRC_TOKEN_1": "token-of-words",
    }
    assert "token" not in f"{job.commands} {job.environment}"
    assert bench.engine.copies[0] is False


@needs_npm
def test_an_index_that_is_away_is_told(
    make: Make, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_offline", "false")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    one = function(make, {"package.json": manifest(dependencies={"left": "^1"})})
    with pytest.raises(TcError, match="ECONNREFUSED") as error:
        bench.install(one)
    assert error.value.hint == ("look at the network, the proxy and the index, then run this again")
