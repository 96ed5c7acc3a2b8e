from __future__ import annotations

from pathlib import Path

import pytest

from .repository import ETL, HANDLER, SETTINGS, Repository


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def etl(tmp_path: Path) -> Repository:
    """A repository with the topology etl and one commit, without a tag."""
    made = Repository(tmp_path / "mono")
    made.commit("feat: begin", {"etl/topology.yml": ETL, "etl/enhancer/handler.py": HANDLER})
    return made
