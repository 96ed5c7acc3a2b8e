"""What functions find at the paths of their file systems, with and without mounts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tc.local.hooks import mounts

MOUNTS = [("/real/fsap-1", "/mnt/assets")]
PROGRAM = Path(mounts.__file__).with_name("mount.py")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("/mnt/assets/etl/model", "/real/fsap-1/etl/model"),
        ("/mnt/assets", "/real/fsap-1"),
        ("/opt/python:/mnt/assets/deps:/mnt/assets/more",
         "/opt/python:/real/fsap-1/deps:/real/fsap-1/more"),
        ("/mnt/assets-2/model", "/mnt/assets-2/model"),
        ("see /mnt/assets", "see /mnt/assets"),
    ],
)  # fmt: skip
def test_without_mounts_variables_lead_to_the_directory(
    monkeypatch: pytest.MonkeyPatch, value: str, seen: str
) -> None:
    monkeypatch.setattr(mounts, "possible", lambda: False)
    assert mounts.seen({"MODEL_PATH": value}, MOUNTS) == {"MODEL_PATH": seen}
    assert mounts.started(["python"], MOUNTS) == ["python"]
    assert "/mnt/assets is /real/fsap-1" in mounts.notice(MOUNTS)
    assert mounts.seen({"MODEL_PATH": value}, []) == {"MODEL_PATH": value}
    assert mounts.notice([]) == ""


def test_with_mounts_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "possible", lambda: True)
    variables = {"MODEL_PATH": "/mnt/assets/etl/model"}
    assert mounts.seen(variables, MOUNTS) == variables
    assert mounts.notice(MOUNTS) == ""
    words = mounts.started(["python", "x.py"], MOUNTS)
    assert words[-2:] == ["python", "x.py"]
    assert json.loads(words[-3]) == [list(one) for one in MOUNTS]


def test_every_access_point_has_a_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TC_FILE_SYSTEMS", str(tmp_path))
    arn = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-1"
    found = mounts.of({"FileSystemConfigs": [{"Arn": arn, "LocalMountPath": "/mnt/assets"}]})
    assert found == [(str(tmp_path / "fsap-1"), "/mnt/assets")]
    assert (tmp_path / "fsap-1").is_dir()
    assert mounts.of({}) == []


def test_a_program_alone_sees_what_is_mounted_for_it(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("a model")
    place = "/mnt/tc-test-of-mounts"
    read = f"print(open('{place}/model').read()); import os; print(sorted(os.listdir('/mnt')))"
    words = [sys.executable, "-I", "-S", str(PROGRAM), json.dumps([(str(tmp_path), place)])]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = subprocess.run(
        [*words, sys.executable, "-c", read],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    if ended.returncode == 71:
        pytest.skip(f"this machine lets no process have mounts: {ended.stderr.strip()}")
    assert ended.returncode == 0, ended.stderr
    said, names = ended.stdout.splitlines()
    assert said == "a model"
    there = [one.name for one in Path("/mnt").iterdir()]
    assert json.loads(names.replace("'", '"')) == sorted([*there, "tc-test-of-mounts"])
    assert not Path(place).exists()
    assert list(temporary.iterdir()) == []
