"""Athena's queries run on DuckDB where the engine has it, and flows wait for them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hooks_support import Hooked
from uv import find_uv_bin

from tc.events import silent
from tc.local import environment

pytestmark = pytest.mark.engine

START = "arn:aws:states:::athena:startQueryExecution"


@pytest.fixture
def asked(own_hooked: Hooked, tmp_path: Path) -> Hooked:
    """An engine that has DuckDB."""
    site = tmp_path / "site"
    python = environment.ensure(silent).python
    command = [find_uv_bin(), "pip", "install", "-q", "--target", str(site)]
    subprocess.run([*command, "--python", str(python), "duckdb"], check=True)
    own_hooked.more["PYTHONPATH"] = str(site)
    own_hooked.start()
    buckets = own_hooked.client("s3")
    buckets.create_bucket(Bucket="results")
    return own_hooked


def query(pattern: str, text: str) -> dict[str, object]:
    where = {"OutputLocation": "s3://results/q/"}
    parameters = {"QueryString": text, "ResultConfiguration": where}
    task = {"Type": "Task", "Resource": START + pattern, "Parameters": parameters}
    return {"q": {**task, "End": True}}


def test_a_flow_starts_a_query_and_waits_for_it(asked: Hooked) -> None:
    athena = asked.client("athena")
    states = query(".sync", "select 40 + 2 as n")
    done = asked.run(asked.flow(states), {})
    found = json.loads(done["output"])["QueryExecution"]
    assert found["Status"]["State"] == "SUCCEEDED"
    asked_for = {"QueryExecutionId": found["QueryExecutionId"]}
    rows = athena.get_query_results(**asked_for)["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["n", "42"]

    failed = asked.run(asked.flow(query(".sync", "select nope from nowhere")), {})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert "nowhere" in failed["cause"]

    started = asked.run(asked.flow(query("", "select 1")), {})
    assert list(json.loads(started["output"])) == ["QueryExecutionId"]
