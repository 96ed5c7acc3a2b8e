"""Python's dependencies are installed by uv from wheels made here, for Lambda and for here."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from build_files import Make
from wheels import package, placed, sdist, wheel

from tc.build.deps import Needs, python
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.events import Event
from tc.processes import Running
from tc.spec.function import Build
from tc.spec.layer import Package, Platform

ARM = Platform("python3.10", "arm64")
NEW = Platform("python3.12", "x86_64")


class Containers:
    """Remembers what was asked of it, and leaves `made` behind as the commands would."""

    def __init__(self, made: Mapping[str, str] | None = None):
        self.jobs: list[Job] = []
        self.files: list[dict[str, str]] = []
        self._made = made

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        found = [path for path in job.directory.rglob("*") if path.is_file()]
        self.files.append({str(p.relative_to(job.directory)): p.read_text() for p in found})
        if self._made is None:
            raise TcError("there is no container engine here", hint="start Docker")
        for name, text in self._made.items():
            (job.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (job.directory / name).write_text(text)

    def provided(self, platform: Platform) -> frozenset[str]:
        return frozenset()


@dataclass
class Index:
    """Wheels in a directory, and installs from them into another one each time."""

    root: Path
    make: Make
    containers: Containers = field(default_factory=Containers)
    always: bool = False
    told: list[Event] = field(default_factory=list)
    count: int = 0

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    def add(self, name: str, version: str, *requires: str, **fields: object) -> str:
        return wheel(self.wheels, name, version, requires, **fields)  # type: ignore[arg-type]

    def needs(self, files: Mapping[str, str], platform: Platform, **build: object) -> Needs:
        function = self.make(
            files, runtime=platform.runtime, arch=platform.arch, build=Build.model_validate(build)
        )
        found = python.needs(function, platform)
        assert found is not None
        return found

    def install(
        self, files: Mapping[str, str], platform: Platform = ARM, **build: object
    ) -> tuple[Path, tuple[Package, ...]]:
        needs = self.needs(files, platform, **build)
        self.count += 1
        directory = self.root / f"layer{self.count}"
        directory.mkdir()
        tools = Tools(
            self.root / "cache", self.told.append, Running(), self.containers, self.always
        )
        return directory, python.install(needs, ["enhancer"], platform, directory, tools)

    def versions(self, requirements: str, platform: Platform = ARM) -> dict[str, str]:
        _, found = self.install({"requirements.txt": requirements}, platform)
        return {package.name: package.version for package in found}

    def refusal(
        self, files: Mapping[str, str] | str, platform: Platform = ARM, **build: object
    ) -> TcError:
        named = {"requirements.txt": files} if isinstance(files, str) else files
        with pytest.raises(TcError) as told:
            self.install(named, platform, **build)
        return told.value


@pytest.fixture
def index(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> Index:
    (tmp_path / "wheels").mkdir()
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_FIND_LINKS": str(tmp_path / "wheels"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return Index(tmp_path, make)


def tree(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_what_requirements_ask_for_is_below_python_with_all_it_needs(index: Index) -> None:
    index.add("alpha", "1.0", "beta>=1")
    index.add("beta", "1.5", files={"beta/data/table.csv": "1,2\n"})
    directory, found = index.install({"requirements.txt": "alpha\n"})
    assert (directory / "python/alpha/__init__.py").is_file()
    assert [(package.name, package.version) for package in found] == [
        ("alpha", "1.0"),
        ("beta", "1.5"),
    ]
    assert "python/beta/data/table.csv" in found[1].files
    files = [name for package in found for name in package.files]
    assert sorted(files) == sorted(tree(directory))
    sizes = sum(package.size for package in found)
    assert sizes == sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_a_version_that_does_not_fit_gives_way_to_the_newest_that_does(index: Index) -> None:
    index.add("native", "1.0", tag="cp310-cp310-manylinux_2_17_aarch64")
    index.add("native", "1.1", tag="cp310-cp310-manylinux_2_17_aarch64")
    index.add("native", "1.2", tag="cp310-cp310-manylinux_2_17_x86_64")
    index.add("native", "1.3", tag="cp311-cp311-manylinux_2_17_aarch64")
    index.add("native", "1.4", tag="cp310-cp310-manylinux_2_28_aarch64")
    index.add("native", "1.5", python=">=3.12")
    assert index.versions("native\n") == {"native": "1.1"}
    assert index.versions("native\n", NEW) == {"native": "1.5"}
    assert index.containers.jobs == []


def test_glibc_is_that_of_the_runtime(index: Index) -> None:
    for minor in (26, 28, 34, 35):
        index.add("native", f"1.{minor}", tag=f"cp311-abi3-manylinux_2_{minor}_x86_64")
    assert index.versions("native\n", NEW) == {"native": "1.34"}
    on_al2 = Platform("python3.11", "x86_64")
    assert index.versions("native==1.26\n", on_al2) == {"native": "1.26"}
    assert "no wheel" in index.refusal("native==1.28\n", on_al2).message


def test_equal_inputs_give_equal_bytes(index: Index) -> None:
    index.add("alpha", "1.0", scripts="alpha = alpha:main")
    files = {"requirements.txt": "alpha\n./lib\n", **placed(package("lib"), "lib")}
    first, found = index.install(files)
    second, again = index.install(files)
    assert tree(first) == tree(second)
    assert found == again
    assert not any("direct_url" in name or "uv_" in name for name in tree(first))


def test_nothing_of_this_machine_is_left(index: Index) -> None:
    compiled = {"alpha/__pycache__/x.cpython-310.pyc": "x", "alpha/old.pyc": "x"}
    index.add("alpha", "1.0", scripts="alpha = alpha:main", files=compiled)
    directory, found = index.install({"requirements.txt": "alpha\n"})
    names = tree(directory)
    assert not any(name.endswith(".pyc") or "/bin/" in name for name in names)
    record = (directory / "python/alpha-1.0.dist-info/RECORD").read_text()
    assert "bin/alpha" not in record
    assert ".pyc" not in record
    assert set(found[0].files) == set(names)


def test_a_program_that_is_no_script_stays(index: Index) -> None:
    index.add("alpha", "1.0", files={"alpha-1.0.data/scripts/tool": "\x7fELF program"})
    directory, found = index.install({"requirements.txt": "alpha\n"})
    assert (directory / "python/bin/tool").read_text() == "\x7fELF program"
    assert "python/bin/tool" in found[0].files


def test_boto3_is_installed_when_it_is_listed(index: Index) -> None:
    index.add("boto3", "1.0")
    assert index.versions("boto3\n") == {"boto3": "1.0"}


# what is in the project


def test_a_local_dependency_is_built_without_a_trace_in_the_project(
    index: Index, project: Path
) -> None:
    index.add("beta", "1.0")
    lib = package("lib", ["beta"])
    files = {"requirements.txt": "-e ./lib\n", **placed(lib, "lib")}
    directory, found = index.install(files)
    assert [one.name for one in found] == ["beta", "lib"]
    assert (directory / "python/lib.py").read_text() == "name = 'lib'\n"
    assert sorted(path.name for path in (project / "etl/enhancer/lib").iterdir()) == sorted(lib)
    directory, _ = index.install({**files, "lib/lib.py": "name = 'changed'\n"})
    assert (directory / "python/lib.py").read_text() == "name = 'changed'\n"


def test_a_workspace_is_copied_and_never_linked(index: Index, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["etl/*", "libs/*"]\n')
    sources = "[tool.uv.sources]\nutil = {workspace = true}\n"
    members = {"core": package("core", ["util"], extra=sources), "util": package("util")}
    for name, files in members.items():
        for file, text in files.items():
            (project / "libs" / name).mkdir(parents=True, exist_ok=True)
            (project / "libs" / name / file).write_text(text)
    own = '[project]\nname = "fn"\nversion = "0"\ndependencies = ["core"]\n'
    directory, found = index.install(
        {"pyproject.toml": own + "[tool.uv.sources]\ncore = {workspace = true}\n"}
    )
    assert [one.name for one in found] == ["core", "util"]
    assert (directory / "python/util.py").read_text() == "name = 'util'\n"
    assert not any(name.endswith(".pth") for name in tree(directory))


def test_a_package_comes_from_the_index_that_the_project_names(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    index.add("alpha", "2.0")
    wheel(tmp_path / "own", "alpha", "1.0")
    own = '[project]\nname = "fn"\nversion = "0"\ndependencies = ["alpha"]\n'
    own += '[tool.uv.sources]\nalpha = {index = "own"}\n[[tool.uv.index]]\nname = "own"\n'
    own += f'url = "{tmp_path}/own"\nformat = "flat"\nexplicit = true\n'
    _, found = index.install({"pyproject.toml": own})
    assert [one.version for one in found] == ["1.0"]
    error = index.refusal({"pyproject.toml": own.replace('["alpha"]', '["alpha>=2"]')})
    assert "pyproject.toml asks for alpha>=2" in error.message


# locks

PROJECT = '[project]\nname = "fn"\nversion = "0"\nrequires-python = ">=3.10"\n'


def uv_lock(digest: str, specifier: str = "") -> str:
    listed = f', specifier = "{specifier}"' if specifier else ""
    return f"""version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "fn"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "alpha" }}]

[package.metadata]
requires-dist = [{{ name = "alpha"{listed} }}]

[[package]]
name = "alpha"
version = "1.0"
source = {{ registry = "http://127.0.0.1/simple" }}
wheels = [
    {{ url = "http://127.0.0.1/alpha-1.0-py3-none-any.whl", hash = "{digest}" }},
]
"""


def poetry_lock(digest: str) -> str:
    return f"""[[package]]
name = "alpha"
version = "1.0"
optional = false
python-versions = "*"
files = [{{file = "alpha-1.0-py3-none-any.whl", hash = "{digest}"}}]

[metadata]
lock-version = "2.1"
"""


def pipfile_lock(digest: str) -> str:
    entry = {"hashes": [digest], "index": "pypi", "version": "==1.0"}
    return json.dumps({"_meta": {"sources": []}, "default": {"alpha": entry}, "develop": {}})


def locked(kind: str, digest: str) -> dict[str, str]:
    if kind == "uv":
        asked = PROJECT + 'dependencies = ["alpha"]\n'
        return {"pyproject.toml": asked, "uv.lock": uv_lock(digest)}
    if kind == "poetry":
        asked = '[tool.poetry.dependencies]\npython = "^3.10"\nalpha = "^1.0"\n'
        return {"pyproject.toml": asked, "poetry.lock": poetry_lock(digest)}
    return {"Pipfile.lock": pipfile_lock(digest)}


@pytest.mark.parametrize("kind", ["uv", "poetry", "pipenv"])
def test_a_lock_is_honoured_to_the_byte(index: Index, kind: str) -> None:
    digest = index.add("alpha", "1.0", "never-installed")
    index.add("alpha", "1.1")
    _, found = index.install(locked(kind, digest))
    assert [(one.name, one.version) for one in found] == [("alpha", "1.0")]


@pytest.mark.parametrize("kind", ["uv", "poetry", "pipenv"])
def test_another_content_than_the_locked_one_is_refused(index: Index, kind: str) -> None:
    index.add("alpha", "1.0")
    error = index.refusal(locked(kind, f"sha256:{'0' * 64}"))
    assert error.code == "hash-mismatch"
    assert "`alpha==1.0` isn't what" in error.message


def test_a_lock_that_is_older_than_the_project_is_refused(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    stale = {**locked("uv", digest), "pyproject.toml": PROJECT + 'dependencies = ["alpha>=2"]\n'}
    error = index.refusal(stale)
    assert (error.code, error.hint) == ("stale-lock", "uv lock")
    asked = '[tool.poetry.dependencies]\nalpha = "^2"\n'
    files = {"pyproject.toml": asked, "poetry.lock": poetry_lock(digest)}
    error = index.refusal(files, package_manager="poetry")
    assert (error.code, error.hint) == ("stale-lock", "poetry lock")


def test_what_left_the_project_makes_its_lock_old(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    index.add("beta", "1.0")
    files = locked("uv", digest)
    files["pyproject.toml"] = PROJECT + 'dependencies = ["beta"]\n'
    files["uv.lock"] = files["uv.lock"].replace(
        "requires-dist = [", 'requires-dist = [{ name = "beta" }, '
    )
    assert "other versions of alpha" in index.refusal(files).message


#: what pipenv writes for the Pipfile below
PIPENV = "8fd37bde88056e7599c90a4fc9cac6c285d92334fbbe9015f9ec1264d212c22c"


def test_a_pipfile_that_changed_makes_its_lock_old(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    pipfile = "[packages]\nrequests = {version='*', extras=['socks']}\nsix = '*'\n"
    pipfile += "[dev-packages]\npytest = '*'\n[requires]\npython_version = '3.11'\n"
    lock = json.loads(pipfile_lock(digest))
    lock["_meta"] = {
        "hash": {"sha256": PIPENV},
        "requires": {"python_version": "3.11"},
        "sources": [{"name": "corp", "url": "http://127.0.0.1:9/simple", "verify_ssl": True}],
    }
    files = {"Pipfile": pipfile, "Pipfile.lock": json.dumps(lock)}
    platform = Platform("python3.11", "arm64")
    index.install({**files, "Pipfile": f"# hello\n{pipfile}[scripts]\ntest = 'pytest'\n"}, platform)
    before = index.needs(files, platform).digest
    changed = pipfile.replace("six = '*'", "six = '>=1'")
    assert index.needs({**files, "Pipfile": changed}, platform).digest != before
    error = index.refusal({**files, "Pipfile": changed}, platform)
    assert (error.code, error.hint) == ("stale-lock", "pipenv lock")
    assert "older than Pipfile: it was made for another one" in error.message


def test_poetrys_lock_is_followed_by_markers_and_extras(index: Index) -> None:
    sums = {
        (name, version): index.add(name, version)
        for name, version in [
            ("alpha", "1.0"),
            ("alpha", "2.0"),
            ("base", "1.0"),
            ("socks", "1.0"),
            ("unused", "1.0"),
            ("windows", "1.0"),
        ]
    }

    def entry(name: str, version: str, more: str = "") -> str:
        return (
            f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\n'
            f'python-versions = "*"\nfiles = [{{file = "x", hash = "{sums[name, version]}"}}]\n'
            f"{more}\n"
        )

    lock = (
        entry("alpha", "1.0", "markers = \"python_version < '3.11'\"")
        + entry("alpha", "2.0", "markers = \"python_version >= '3.11'\"")
        + entry(
            "base",
            "1.0",
            '[package.dependencies]\nSocks = {version = "*", optional = true}\n'
            'unused = {version = "*", optional = true}\n'
            'windows = {version = "*", markers = "sys_platform == \'win32\'"}\n'
            '[package.extras]\nproxy = ["socks (>=1)"]\nmore = ["unused"]\n',
        )
        + entry("socks", "1.0")
        + entry("unused", "1.0")
        + entry("windows", "1.0")
    )
    asked = (
        '[tool.poetry.dependencies]\nbase = {version = "*", extras = ["proxy"]}\n'
        'alpha = [{version = "^1", python = "<3.11"}, {version = "^2", python = ">=3.11"}]\n'
    )
    files = {"pyproject.toml": asked, "poetry.lock": lock}
    for platform, alpha in ((ARM, "1.0"), (NEW, "2.0")):
        _, found = index.install(files, platform)
        assert [(one.name, one.version) for one in found] == [
            ("alpha", alpha),
            ("base", "1.0"),
            ("socks", "1.0"),
        ]


def test_a_project_for_another_python_is_refused(index: Index) -> None:
    asked = '[project]\nname = "fn"\nrequires-python = ">=3.12"\ndependencies = ["alpha"]\n'
    error = index.refusal({"pyproject.toml": asked})
    assert "is for Python >=3.12, and `enhancer` runs on 3.10" in error.message
    asked = '[tool.poetry.dependencies]\nalpha = "*"\npython = "<3.9 || ^3.10"\n'
    digest = index.add("alpha", "1.0")
    files = {"pyproject.toml": asked, "poetry.lock": poetry_lock(digest)}
    index.install(files, package_manager="poetry")


# what has no wheel


def test_a_package_without_a_wheel_is_built_in_a_container(index: Index) -> None:
    index.add("alpha", "1.0")
    index.add("native", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    index.containers = Containers(
        {
            "out/index/native/__init__.py": "",
            "out/index/native-1.0.dist-info/RECORD": "native/__init__.py,,\n",
            "out/index/__pycache__/x.pyc": "",
            "out/lib/libfoo.so.1": "",
        }
    )
    directory, found = index.install({"requirements.txt": "alpha\nnative\n"})
    assert any("native (for enhancer) has no wheel" in event.text for event in index.told)
    (job,) = index.containers.jobs
    assert job.platform == ARM
    assert index.containers.files[0]["requirements.txt"] == "alpha\nnative\n"
    assert sorted(tree(directory)) == [
        "lib/libfoo.so.1",
        "python/native-1.0.dist-info/RECORD",
        "python/native/__init__.py",
    ]
    assert [one.name for one in found] == ["native", "shared libraries"]


def test_without_a_container_engine_one_sentence_says_what_and_for_whom(index: Index) -> None:
    index.add("native", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    error = index.refusal("native\n")
    assert error.code == "no-wheel"
    assert error.message == (
        "`native`, which `enhancer` needs, has no wheel for Python 3.10 on arm64 with glibc 2.26, "
        "and can't be built in a container: there is no container engine here"
    )
    assert error.hint == (
        "ask for a version that has one, or set `runtime.lang` to python3.12 or newer, whose glibc "
        "is 2.34, or start Docker"
    )
    assert error.where.endswith("requirements.txt")


def test_a_local_package_with_compiled_code_goes_to_the_container(index: Index) -> None:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}-abi3-linux_x86_64"
    files = {"requirements.txt": "./cext\n", **placed(package("cext", tag=tag), "cext")}
    index.containers = Containers({"out/index/cext.py": ""})
    index.install(files, Platform(f"python3.{sys.version_info[1]}", "x86_64"))
    assert index.containers.files[0]["requirements.txt"] == "./own/0/cext\n"
    assert "own/0/cext/cext.py" in index.containers.files[0]


def test_a_lock_holds_in_the_container_too(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    index.install(locked("poetry", digest))
    assert index.containers.files[0]["requirements.txt"] == f"alpha==1.0 --hash={digest}\n"
    assert "--no-deps" in index.containers.jobs[0].commands[0]


def test_what_has_no_hash_goes_to_the_container_by_itself_with_its_marker(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    lock = json.loads(pipfile_lock(digest))
    lock["default"]["beta"] = {"markers": "sys_platform == 'win32'", "version": "*"}
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    index.install({"Pipfile.lock": json.dumps(lock)})
    (job,) = index.containers.jobs
    assert index.containers.files[0]["requirements.txt"] == f"alpha==1.0 --hash={digest}\n"
    assert index.containers.files[0]["own.txt"] == "beta ; sys_platform == 'win32'\n"
    assert [command[-1] for command in job.commands] == ["requirements.txt", "own.txt"]


def test_hashes_of_requirements_do_not_keep_the_project_out_of_the_container(
    index: Index,
) -> None:
    digest = index.add("alpha", "1.0")
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    asked = f"--index-url http://127.0.0.1:9/simple\nalpha==1.0 --hash={digest}\n./lib\n"
    index.install({"requirements.txt": asked, **placed(package("lib"), "lib")})
    files = index.containers.files[0]
    option = "--index-url http://127.0.0.1:9/simple\n"
    assert files["requirements.txt"] == f"{option}alpha==1.0 --hash={digest}\n"
    assert files["own.txt"] == f"{option}./own/0/lib\n"
    assert "--no-deps" not in index.containers.jobs[0].commands[0]


def test_the_container_is_told_where_packages_come_from(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "UV_INDEX_MY_CORP_USERNAME": "me",
        "UV_INDEX_MY_CORP_PASSWORD": "hidden-word",
        "TOKEN": "other-word",
    }.items():
        monkeypatch.setenv(name, value)
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    own = PROJECT + (
        'dependencies = ["alpha", "beta @ git+https://${TOKEN}@127.0.0.1/beta.git"]\n'
        "[tool.uv]\nfind-links = ['vendored']\n"
        '[[tool.uv.index]]\nname = "my-corp"\nurl = "https://127.0.0.1:9/simple"\n'
    )
    needs = index.needs({"pyproject.toml": own}, ARM)
    (needs.file.parent / "vendored").mkdir()
    (needs.file.parent / "vendored/gamma.whl").write_text("a wheel")
    index.install({"pyproject.toml": own})
    (job,) = index.containers.jobs
    assert index.containers.files[0]["requirements.txt"].splitlines()[:2] == [
        "--find-links offers/0",
        "--extra-index-url https://${UV_INDEX_MY_CORP_USERNAME}:${UV_INDEX_MY_CORP_PASSWORD}"
        "@127.0.0.1:9/simple",
    ]
    assert index.containers.files[0]["offers/0/gamma.whl"] == "a wheel"
    assert job.secrets == {
        "TOKEN": "other-word",
        "UV_INDEX_MY_CORP_PASSWORD": "hidden-word",
        "UV_INDEX_MY_CORP_USERNAME": "me",
    }
    assert "hidden-word" not in json.dumps(index.containers.files)


class Nowhere(Containers):
    """A machine without a container engine."""

    def run(self, job: Job) -> None:
        raise TcError("there is no container engine here", code="no-container-engine")


@pytest.mark.parametrize(
    ("tag", "pure"), [("py3-none-any", True), ("cp310-abi3-linux_x86_64", False)]
)
def test_where_no_container_can_be_had_pure_python_is_built_here(
    index: Index, tag: str, pure: bool
) -> None:
    index.containers = Nowhere()
    index.add("alpha", "1.0")
    sdist(index.wheels, "source", tag)
    files = {"requirements.txt": "alpha\nsource\n"}
    if not pure:
        assert index.refusal(files).code == "no-wheel"
        return
    directory, found = index.install(files)
    assert [(one.name, one.version) for one in found] == [("alpha", "1.0"), ("source", "0.1")]
    assert (directory / "python/source.py").is_file()
    assert [event.text for event in index.told if event.name == "log"] == [
        "source (for enhancer) has no wheel for Python 3.10 on arm64: built in a container",
        "source built here: pure Python, and there is no container",
    ]


def test_a_build_that_fails_in_the_container_is_not_tried_here(index: Index) -> None:
    class Failing(Containers):
        def run(self, job: Job) -> None:
            raise TcError("the compiler said no", code="build-failed")

    index.containers = Failing()
    sdist(index.wheels, "source", "py3-none-any")
    assert "the compiler said no" in index.refusal("source\n").message


def test_this_machine_builds_for_itself(index: Index) -> None:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}-none-any"
    here = Platform("python3.10", "x86_64", sys.executable)
    files = {"requirements.txt": "./cext\n", **placed(package("cext", tag=tag), "cext")}
    directory, _ = index.install(files, here)
    assert (directory / "python/cext.py").is_file()
    assert index.containers.jobs == []


# what can't be installed


def conflict(index: Index, requirements: str) -> TcError:
    index.add("alpha", "1.0", "base<2")
    index.add("beta", "1.0", "base>=2")
    index.add("gamma", "1.0", "alpha")
    index.add("gamma", "1.1", "alpha")
    index.add("modern", "1.0", python=">=3.12")
    for version in ("1.0", "2.0", "3.0"):
        index.add("base", version)
    return index.refusal(requirements)


@pytest.mark.parametrize(
    ("requirements", "code", "lines", "hint"),
    [
        (
            "base>=2\nbase<2\n",
            "dependency-conflict",
            ["base", "├─ requirements.txt asks for base<2", "└─ requirements.txt asks for base>=2"],
            "relax `base<2` or `base>=2` in requirements.txt",
        ),
        (
            "base>=2\nalpha\n",
            "dependency-conflict",
            [
                "base",
                "├─ requirements.txt asks for base>=2",
                "└─ alpha (every version) requires base<2",
                "   └─ requirements.txt asks for alpha",
            ],
            "relax `base>=2` in requirements.txt",
        ),
        (
            "gamma\nbeta\n",
            "dependency-conflict",
            [
                "base",
                "├─ alpha (every version) requires base<2",
                "│  └─ gamma (every version) requires alpha",
                "│     └─ requirements.txt asks for gamma",
                "└─ beta (every version) requires base>=2",
                "   └─ requirements.txt asks for beta",
            ],
            "ask for another version of `gamma` or `beta` in requirements.txt",
        ),
        (
            "modern\n",
            "dependency-conflict",
            ["modern", "└─ requirements.txt asks for modern"],
            "ask for an older version of `modern`, or set `runtime.lang` to a Python that it takes",
        ),
        (
            "base==9\n",
            "no-such-package",
            ["base", "└─ requirements.txt asks for base==9"],
            "ask for a version of `base` that is there",
        ),
        (
            "base>=9\n",
            "no-such-package",
            ["base", "└─ requirements.txt asks for base>=9"],
            "ask for a version of `base` that is there",
        ),
        (
            "nosuch\n",
            "no-such-package",
            ["nosuch", "└─ requirements.txt asks for nosuch"],
            "look at how it is written; a private index is set with UV_INDEX, or in the file",
        ),
    ],
)
def test_a_conflict_is_a_tree_with_what_to_relax(
    index: Index, requirements: str, code: str, lines: list[str], hint: str
) -> None:
    error = conflict(index, requirements)
    assert (error.code, error.hint) == (code, hint)
    assert [line.removeprefix("  ") for line in error.message.splitlines()[1:]] == lines
    assert "`enhancer`" in error.message


def test_an_index_that_is_not_there_is_one_sentence_without_the_password(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:hidden-word@127.0.0.1:9/simple")
    error = index.refusal("alpha\n")
    assert error.code == "index-unreachable"
    assert "can't be reached" in error.message
    assert "run this again" in error.hint
    assert "hidden-word" not in f"{error.message}{error.hint}{error.where}"
    assert len(error.message.splitlines()) == 1


class _Broken(BaseHTTPRequestHandler):
    """An index that breaks off in the middle of a wheel, until `whole`."""

    wheels: Path
    whole = False

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.wheels / self.path.rpartition("/")[2]
        names = [file.name for file in self.wheels.iterdir()]
        page = "".join(f'<a href="/files/{name}">{name}</a>' for name in names).encode()
        body = path.read_bytes() if path.is_file() else page
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if self.whole or body is page else body[:100])

    def log_message(self, *_: object) -> None:
        pass


def test_an_index_that_breaks_off_is_one_sentence_and_can_be_tried_again(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("alpha", "1.0")
    handler = type("Handler", (_Broken,), {"wheels": index.wheels})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://me:hidden-word@127.0.0.1:{server.server_port}/simple"
        for name in ("PIP_NO_INDEX", "UV_FIND_LINKS"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_INDEX_URL", address)
        error = index.refusal("alpha\n")
        assert error.code == "index-unreachable"
        assert "broke off while it gave alpha==1.0" in error.message
        assert "hidden-word" not in error.message
        assert len(error.message.splitlines()) == 1
        handler.whole = True  # type: ignore[attr-defined]
        assert index.versions("alpha\n") == {"alpha": "1.0"}
        server.shutdown()


def test_what_failed_leaves_nothing_and_can_be_done_again(index: Index) -> None:
    index.refusal("alpha\n")
    assert list((index.root / "cache/staging").iterdir()) == []
    index.add("alpha", "1.0")
    assert index.versions("alpha\n") == {"alpha": "1.0"}


def test_after_an_interrupt_nothing_is_started(index: Index) -> None:
    needs = index.needs({"requirements.txt": "alpha\n"}, ARM)
    running = Running()
    running.stop()
    tools = Tools(index.root / "cache", index.told.append, running, index.containers)
    with pytest.raises(TcError, match="interrupted"):
        python.install(needs, ["enhancer"], ARM, index.root, tools)
