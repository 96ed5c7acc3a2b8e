"""Python's dependencies are installed by uv from wheels made here, for Lambda and for here."""

from __future__ import annotations

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from python_index import (
    ARM,
    NEW,
    Index,
    tree,
)
from wheels import package, placed, wheel

from tc.build.deps import python
from tc.build.tools import Tools
from tc.errors import TcError
from tc.processes import Running
from tc.spec.layer import Platform


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


def test_what_only_has_wheels_for_the_very_glibc_keeps_the_others_where_they_fit(
    index: Index,
) -> None:
    index.add("exact", "1.0", tag="cp311-abi3-manylinux_2_26_x86_64")
    index.add("native", "1.0", tag="cp311-abi3-manylinux_2_17_x86_64")
    for version in ("1.1", "1.2"):
        index.add("native", version, tag="cp311-abi3-manylinux_2_28_x86_64")
    versions = index.versions("exact\nnative\n", Platform("python3.11", "x86_64"))
    assert versions == {"exact": "1.0", "native": "1.0"}
    assert index.containers.jobs == []


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


@pytest.mark.parametrize("mode", ["hardlink", "symlink"])
def test_what_uv_keeps_for_others_stays_as_it_was(
    index: Index, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("UV_LINK_MODE", mode)
    index.add("alpha", "1.0", files={"alpha/old.pyc": "x"}, scripts="alpha = alpha:main")
    index.install({"requirements.txt": "alpha\n"})
    (record,) = (index.root / "uv").rglob("RECORD")
    assert "alpha/old.pyc" in record.read_text()
    assert record.with_name("METADATA").is_file()
    assert (record.parents[1] / "alpha/old.pyc").is_file()


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


def test_this_machine_builds_for_itself(index: Index) -> None:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}-none-any"
    here = Platform("python3.10", "x86_64", sys.executable)
    files = {"requirements.txt": "./cext\n", **placed(package("cext", tag=tag), "cext")}
    directory, _ = index.install(files, here)
    assert (directory / "python/cext.py").is_file()
    assert index.containers.jobs == []


def test_what_this_machine_can_not_build_is_told_with_the_reason(index: Index) -> None:
    here = Platform("python3.10", "x86_64", sys.executable)
    broken = {**package("cext"), "backend.py": "raise SystemExit('no compiler here')\n"}
    error = index.refusal({"requirements.txt": "./cext\n", **placed(broken, "cext")}, here)
    assert error.code == "no-wheel"
    assert "`cext`, which `enhancer` needs, has no wheel for this machine's Python" in error.message
    assert "no compiler here" in error.message
    assert index.containers.jobs == []


def test_an_extra_that_there_is_not_is_a_warning(index: Index) -> None:
    index.add("alpha", "1.0")
    index.install({"requirements.txt": "alpha[nosuch]\n"})
    (warning,) = (event for event in index.told if event.name == "warning")
    assert warning.text == "`alpha==1.0`, which is asked for, has no extra `nosuch`"


def test_what_failed_leaves_nothing_and_can_be_done_again(index: Index) -> None:
    index.refusal("alpha\n")
    assert list((index.root / "cache/staging").iterdir()) == []
    index.add("alpha", "1.0")
    assert index.versions("alpha\n") == {"alpha": "1.0"}


class _Slow(BaseHTTPRequestHandler):
    """An index that never answers; `asked` once somebody waits for it."""

    asked: threading.Event
    end: threading.Event

    def do_GET(self) -> None:
        self.asked.set()
        self.end.wait(20)

    def log_message(self, *_: object) -> None:
        pass


def test_an_interrupt_ends_an_install_that_runs(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    asked, end, running = threading.Event(), threading.Event(), Running()
    handler = type("Handler", (_Slow,), {"asked": asked, "end": end})
    needs = index.needs({"requirements.txt": "alpha\n"}, ARM)
    tools = Tools(index.root / "cache", index.told.append, running, index.containers)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")

        def interrupt() -> None:
            assert asked.wait(20)
            running.stop()

        threading.Thread(target=interrupt, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(TcError) as told:
            python.install(needs, ["enhancer"], ARM, index.root, tools)
        end.set()
        server.shutdown()
    assert told.value.code == "interrupted"
    assert time.monotonic() - begun < 15
    assert list((index.root / "cache/staging").iterdir()) == []


def test_after_an_interrupt_nothing_is_started(index: Index) -> None:
    needs = index.needs({"requirements.txt": "alpha\n"}, ARM)
    running = Running()
    running.stop()
    tools = Tools(index.root / "cache", index.told.append, running, index.containers)
    with pytest.raises(TcError, match="interrupted"):
        python.install(needs, ["enhancer"], ARM, index.root, tools)
