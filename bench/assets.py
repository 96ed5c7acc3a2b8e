"""What publishing an asset moves: all of it once, then only what has changed.

The files are below a hundredth of a GB each but for one that is a quarter of all; what counts
doesn't depend on their size, so ``size`` may be smaller than the 5 GB that the budget is for.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.lab import TC, Lab
from bench.report import Result

GROUP = "assets"
MB = 1024 * 1024
_SIZE = 512 * MB
#: MB that may move when one file of 1 MB has changed
_MOVED_MB = 2.0


def measure(lab: Lab, size: int = _SIZE) -> Iterator[Result]:
    """`lab` is one whose engine runs."""
    place = _write(lab.home / "published", size)
    whole = f"{size / 1024**3:.1f} GB asset"
    said, seconds = _publish(lab, place)
    yield Result(GROUP, f"{whole}, first time", seconds, "s wall", note=f"{said['moved']} B")
    said, seconds = _publish(lab, place)
    yield Result(GROUP, f"{whole}, nothing changed", said["moved"] / MB, "MB", budget=0.0)
    _fill(place / "reader/artifacts/small-0.bin", MB, 1 << 30)
    said, seconds = _publish(lab, place)
    name = f"{whole}, 1 MB changed"
    yield Result(GROUP, name, said["moved"] / MB, "MB", budget=_MOVED_MB)
    yield Result(GROUP, name, seconds, "s wall")


def _publish(lab: Lab, place: Path) -> tuple[dict[str, Any], float]:
    begun = time.perf_counter()
    ended = subprocess.run(
        [TC, "build", "--kind", "artifacts", "--publish", "-e", "local", "--json"],
        cwd=place / "reader",
        env=lab.env,
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds = time.perf_counter() - begun
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    told = [event for event in events if event["event"] == "asset.published"]
    return (told[0] if told else {"moved": 0}), seconds


def _write(directory: Path, size: int) -> Path:
    artifacts = directory / "reader/artifacts"
    artifacts.mkdir(parents=True)
    (directory / "topology.yml").write_text("name: bench\nfunctions: { reader: {} }\n")
    assets = {"MODEL_PATH": "/mnt/assets/bench/model"}
    (directory / "reader/function.json").write_text(json.dumps({"assets": assets}))
    (directory / "reader/handler.py").write_text("def handler(event, context):\n    return 0\n")
    _fill(artifacts / "large.bin", size // 4, 0)
    for number in range(size * 3 // 4 // (4 * MB)):
        _fill(artifacts / f"part-{number}.bin", 4 * MB, number + 1)
    _fill(artifacts / "small-0.bin", MB, 1 << 29)
    return directory


def _fill(path: Path, size: int, seed: int) -> None:
    """`size` bytes of which no two megabytes are the same."""
    block = os.urandom(MB)
    with path.open("wb") as file:
        for start in range(0, size, MB):
            length = min(MB, size - start)
            file.write(((seed << 40) + start).to_bytes(16, "big") + block[16:length])
