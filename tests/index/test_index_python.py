"""Real packages for Lambda's Python and CPU, without a container."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tc.build.deps import python
from tc.build.elf import check_elves, elves
from tc.build.runtimes import provided
from tc.build.tools import NoContainers, Tools
from tc.events import silent
from tc.processes import Running
from tc.spec.finding import Address
from tc.spec.function import Function
from tc.spec.layer import Package, Platform

pytestmark = pytest.mark.index


def install(
    directory: Path, requirements: str, platform: Platform, cache: Path
) -> tuple[Path, tuple[Package, ...]]:
    source, layer = directory / "function", directory / "layer"
    source.mkdir()
    layer.mkdir()
    (source / "requirements.txt").write_text(requirements)
    function = Function("enhancer", source, Address(source), platform.runtime, "handler.handler")
    needs = python.needs(function, platform)
    assert needs is not None
    tools = Tools(cache, silent, Running(), NoContainers())
    return layer, python.install(needs, ["enhancer"], platform, layer, tools)


def test_numpy_and_pandas_for_another_cpu_without_a_container(
    index: dict[str, str], tmp_path: Path, cache: Path
) -> None:
    platform = Platform("python3.10", "arm64")
    layer, packages = install(tmp_path, "numpy\npandas\n", platform, cache)
    assert {"numpy", "pandas"} <= {package.name for package in packages}
    compiled = elves(layer)
    assert len(compiled) > 50
    assert {elf.cpu for elf in compiled.values()} == {"arm64"}
    assert max(elf.glibc for elf in compiled.values()) <= (2, 26)
    assert not check_elves(layer, platform, provided("python3.10"), packages)


def test_pure_python_without_a_wheel_needs_no_container(
    index: dict[str, str], tmp_path: Path, cache: Path
) -> None:
    platform = Platform("python3.12", "arm64")
    layer, packages = install(tmp_path, "docopt==0.6.2\n", platform, cache)
    assert [package.name for package in packages] == ["docopt"]
    assert (layer / "python/docopt.py").is_file()
    assert not elves(layer)


def cpu() -> float:
    """Seconds of CPU that programs have used that this test started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_an_install_costs_little_more_than_uv_alone(
    index: dict[str, str], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import uv

    options = ["--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_34"]
    names = ["requests", "pydantic"]
    words = [uv.find_uv_bin(), "pip", "install", "--target", str(tmp_path / "bare"), *options]
    words += ["--python", sys.executable, *names]
    environment = {**index, "UV_CACHE_DIR": str(tmp_path / "uv-bare")}
    before = cpu()
    subprocess.run(words, env=environment, cwd=tmp_path, check=True, capture_output=True)
    bare = cpu() - before

    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-own"))
    before, own = cpu(), time.process_time()
    install(tmp_path, "\n".join(names), Platform("python3.12", "x86_64"), cache)
    spent = cpu() - before + time.process_time() - own
    assert spent <= 3 * bare, f"{spent:.2f} s, uv alone {bare:.2f} s"
