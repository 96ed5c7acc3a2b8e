"""What tc costs before it talks to anybody: ``--version``, ``--help``, ``validate``.

The floor is the bare interpreter, ``python -c pass``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import topology
from bench.lab import ROOT, TC, Lab
from bench.report import Result, timed

_RUNS = 12
#: CPU seconds of a bare interpreter where the budgets in seconds were set; they
#: are held as ratios to it, so that a slower machine has slower budgets
REFERENCE_S = 0.010
_VERSION_S = 0.06
_HELP_S = 0.15
_VALIDATE_S = 0.5
_SIZES = (1, 10, 100)
#: what must not be imported to tell the version, and the help
_NOT_FOR_VERSION = {"boto3", "botocore", "pydantic", "rich", "typer"}
_NOT_FOR_HELP = {"boto3", "botocore", "pydantic", "rich"}
_IMPORTED = re.compile(r"^import time:.*\|\s*([\w.]+)$", re.MULTILINE)


def measure(lab: Lab) -> Iterator[Result]:
    made = {size: topology.write(lab.home / f"of-{size}", size) for size in _SIZES}
    commands: dict[str, tuple[str, list[str], Path, float | None]] = {
        "tc --version": ("version", [TC, "--version"], lab.home, _VERSION_S),
        "tc --help": ("help", [TC, "--help"], lab.home, _HELP_S),
    }
    for size, place in made.items():
        budget = _VALIDATE_S if size == max(_SIZES) else None
        name = f"tc validate, {size} function{'s' * (size > 1)}"
        commands[name] = ("validate", [TC, "validate"], place, budget)
    floor: dict[str, list[float]] = {name: [] for name in commands}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_RUNS):
        for name, (_, argv, cwd, _) in commands.items():
            cpu[name].append(lab.run(argv, cwd).cpu)
            floor[name].append(lab.run([sys.executable, "-c", "pass"], lab.home).cpu)
    for name, (group, _, _, seconds) in commands.items():
        budget = seconds / REFERENCE_S if seconds else None
        yield timed(group, name, cpu[name], floor[name], budget)
    yield _imports(lab, "version", ["--version"], _NOT_FOR_VERSION)
    yield _imports(lab, "help", ["--help"], _NOT_FOR_HELP)
    yield _network(lab, max(_SIZES))


def _imports(lab: Lab, group: str, arguments: Sequence[str], unwanted: set[str]) -> Result:
    """How many of the `unwanted` packages the command imports."""
    argv = [sys.executable, "-X", "importtime", TC, *arguments]
    ran = subprocess.run(
        argv, cwd=lab.home, env=lab.env, capture_output=True, text=True, check=True
    )
    imported = {name.partition(".")[0] for name in _IMPORTED.findall(ran.stderr)}
    if "tc" not in imported:
        raise RuntimeError(f"-X importtime of {' '.join(argv)} doesn't show tc")
    found = sorted(imported & unwanted)
    name = f"tc {arguments[0]} imports in vain"
    return Result(group, name, len(found), "packages", budget=0, note=" ".join(found))


def _network(lab: Lab, size: int) -> Result:
    """How often ``validate`` uses the network."""
    file = lab.home / "network"
    env = {**os.environ, **lab.env, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "bench.offline", str(file), "validate"]
    cwd = lab.home / f"of-{size}"
    subprocess.run(argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL, check=True)
    used = file.read_text().splitlines()
    name = "tc validate uses the network"
    return Result("validate", name, len(used), "uses", budget=0, note="; ".join(used[:3]))
