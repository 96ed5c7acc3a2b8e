"""What building costs: ten functions with the same requirements.

The floor is one bare ``uv pip install`` of those requirements. Both start with empty
caches of their own, so both fetch every package; nobody else's cache is touched.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.lab import Lab
from bench.report import Result, timed
from bench.startup import REFERENCE_S

GROUP = "build"
_FUNCTIONS = 10
_REQUIREMENTS = "requests==2.32.3\npydantic==2.11.7\n"
_COLD_RUNS = 3
_RUNS = 7
#: ratio to the floor
_COLD = 3.0
#: CPU seconds where a bare interpreter takes `REFERENCE_S`
_AGAIN_S = 0.3
_CHANGED_S = 0.4
_UV = str(Path(sys.executable).with_name("uv"))


def measure(lab: Lab) -> Iterator[Result]:
    place = _write(lab.home / "built")
    cold, floor = [], []
    for run in range(_COLD_RUNS):
        cold.append(_cold(lab, place, run))
        floor.append(_bare(lab, run))
    yield timed(GROUP, f"tc build, {_FUNCTIONS} functions, cold", cold, floor, _COLD)
    mine = _private(lab, _COLD_RUNS - 1)
    yield _warm(mine, place, "nothing changed", _AGAIN_S, change=False)
    yield _warm(mine, place, "one line changed", _CHANGED_S, change=True)


def _write(directory: Path) -> Path:
    directory.mkdir()
    (directory / "topology.yml").write_text("name: bench\n")
    for index in range(_FUNCTIONS):
        function = directory / f"worker{index}"
        function.mkdir()
        runtime = {"runtime": {"lang": "python3.12", "layers": ["bench-shared"]}}
        (function / "function.json").write_text(json.dumps(runtime))
        (function / "requirements.txt").write_text(_REQUIREMENTS)
        (function / "handler.py").write_text("def handler(event, context):\n    return 0\n")
    return directory


def _private(lab: Lab, run: int) -> Lab:
    """The lab with caches that nobody else uses."""
    cache = lab.home / f"cold-{run}"
    private = {"TC_CACHE_DIR": str(cache), "UV_CACHE_DIR": str(cache / "uv")}
    return replace(lab, env={**lab.env, **private})


def _cold(lab: Lab, place: Path, run: int) -> float:
    return _private(lab, run).tc(place, "build").cpu


def _bare(lab: Lab, run: int) -> float:
    target = lab.home / f"bare-{run}"
    requirements = lab.home / "requirements.txt"
    requirements.write_text(_REQUIREMENTS)
    env = {**lab.env, "UV_CACHE_DIR": str(lab.home / f"bare-cache-{run}")}
    platform = ["--python-platform", "x86_64-manylinux_2_34", "--python-version", "3.12"]
    argv = [_UV, "pip", "install", "--quiet", "--target", str(target), *platform]
    sample = replace(lab, env=env).run([*argv, "-r", str(requirements)], lab.home)
    shutil.rmtree(target)
    return sample.cpu


def _warm(lab: Lab, place: Path, what: str, seconds: float, *, change: bool) -> Result:
    cpu, floor = [], []
    for run in range(_RUNS):
        if change:
            handler = place / "worker0" / "handler.py"
            handler.write_text(f"def handler(event, context):\n    return {run + 1}\n")
        cpu.append(lab.tc(place, "build").cpu)
        floor.append(lab.run([sys.executable, "-c", "pass"], lab.home).cpu)
    name = f"tc build, {_FUNCTIONS} functions, {what}"
    return timed(GROUP, name, cpu, floor, seconds / REFERENCE_S)
