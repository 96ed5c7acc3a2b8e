"""Where measuring happens: a private engine, the proxy before it, a profile that leads there."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.proxy import Proxy, Tape

ROOT = Path(__file__).parents[1]
TC = str(Path(sys.executable).with_name("tc"))
PROFILE = "bench"
#: variables of the user's that would change what is measured
_DROPPED = ("AWS_", "TC_", "PYTHON", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
_KEPT = ("TC_CACHE_DIR",)


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds: user and system CPU of the whole process tree, and wall-clock time."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Recording:
    """The calls of one command (pickled, for the floor) and what was answered."""

    calls: Path
    tape: Tape

    def operations(self) -> list[str]:
        calls: list[tuple[str, str, Any]] = pickle.loads(self.calls.read_bytes())
        return [f"{service}.{operation}" for service, operation, _ in calls]


@dataclass(frozen=True, slots=True)
class Lab:
    """`home` is a temporary directory; `env` is what the measured commands see."""

    home: Path
    env: dict[str, str]

    def run(self, argv: Sequence[str], cwd: Path) -> Sample:
        """Runs a command to its end. Raises RuntimeError with what it said when it fails."""
        with tempfile.TemporaryFile() as said:
            begun = time.perf_counter()
            process = subprocess.Popen(
                argv, cwd=cwd, env=self.env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            try:
                _, status, used = os.wait4(process.pid, 0)
            except BaseException:  # interrupted: the command ends with the benchmark
                process.kill()
                raise
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                text = said.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}:\n{text}")
        return Sample(used.ru_utime + used.ru_stime, wall)

    def tc(self, cwd: Path, *arguments: str) -> Sample:
        return self.run([TC, *arguments], cwd)


@contextmanager
def lab() -> Iterator[Lab]:
    """A lab without an engine: a home and a cache of its own, no credentials."""
    with tempfile.TemporaryDirectory(prefix="tc-bench-") as made:
        home = Path(made)
        env = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED) or k in _KEPT}
        env["TC_HOME"] = str(home / "state")
        env["AWS_CONFIG_FILE"] = str(home / "aws-config")
        env["AWS_SHARED_CREDENTIALS_FILE"] = str(home / "aws-credentials")
        env["AWS_EC2_METADATA_DISABLED"] = "true"
        env["NO_PROXY"] = ",".join(filter(None, [env.get("NO_PROXY"), "127.0.0.1"]))
        yield Lab(home, env)


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine: `aws` reaches it as tc reaches AWS, `local` by ``-e local``."""

    proxy: Proxy
    aws: Lab
    local: Lab

    def record(self, cwd: Path, name: str, *arguments: str) -> Recording:
        """Runs a command of tc once, keeping its calls and their answers."""
        file = self.aws.home / f"{name}.calls"
        argv = [sys.executable, "-m", "bench.record", str(file), *arguments]
        env = {**self.aws.env, "PYTHONPATH": str(ROOT)}
        with self.proxy.recording() as tape:
            Lab(self.aws.home, env).run(argv, cwd)
        return Recording(file, tape)

    def replay(self, recording: Recording) -> Sample:
        """The same calls by the bare boto3 script, answered as they were answered to tc."""
        script = str(ROOT / "bench" / "replay.py")
        with self.proxy.playing(recording.tape):
            argv = [sys.executable, script, str(recording.calls), PROFILE]
            return self.aws.run(argv, self.aws.home)


@contextmanager
def engine(local: Lab) -> Iterator[Engine]:
    """Starts an engine of the benchmark's own; it ends with it.

    The engine's Python environment is the user's cached one; commands that go the
    AWS way have an empty cache, so that every package they need is made.
    """
    started = subprocess.run(
        [TC, "local", "start", "--json"],
        env=local.env,
        cwd=local.home,
        stdout=subprocess.PIPE,
        check=True,
    )
    proxy = Proxy(int(json.loads(started.stdout.splitlines()[-1])["url"].rpartition(":")[2]))
    (local.home / "aws-config").write_text(
        f"[profile {PROFILE}]\nregion = us-east-1\nendpoint_url = {proxy.url}\n"
        "aws_access_key_id = test\naws_secret_access_key = test\n"
    )
    try:
        cache = {"TC_CACHE_DIR": str(local.home / "cache")}
        yield Engine(proxy, Lab(local.home, {**local.env, **cache}), local)
    finally:
        proxy.close()
        subprocess.run([TC, "local", "stop"], env=local.env, stdout=subprocess.DEVNULL, check=True)
