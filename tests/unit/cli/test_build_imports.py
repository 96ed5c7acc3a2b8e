"""What ``tc build`` loads when nothing has changed: what makes things stays where it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_RUN = """
import sys
from tc.cli.app import run
code = run(["build"])
print(*sorted(name for name in sys.modules if name.startswith("tc.")), file=sys.stderr)
sys.exit(code)
"""
_HEAVY = {
    "tc.build.bundle",
    "tc.build.compiled.compile",
    "tc.build.container.settings",
    "tc.build.elf",
    "tc.build.images",
    "tc.build.layer_body",
    "tc.deploy.pipeline",
    "tc.load.remote",
    "tc.publish.layers",
}


def test_a_build_without_changes_loads_nothing_that_makes_things(tmp_path: Path) -> None:
    (tmp_path / "topology.yml").write_text("name: etl\n")
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker/handler.py").write_text("def handler(event, context): ...\n")
    env = {**os.environ, "TC_CACHE_DIR": str(tmp_path / "cache")}
    ran = subprocess.run(
        [sys.executable, "-c", _RUN], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    loaded = set(ran.stderr.split())
    assert "tc.build.package" in loaded
    assert not _HEAVY & loaded
