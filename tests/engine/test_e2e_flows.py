"""Flows that wait, choose and repeat: what they start really happens."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from e2e_support import ACCOUNT, Lab, Project, copied, deployed

pytestmark = pytest.mark.engine

STATES = f"arn:aws:states:us-east-1:{ACCOUNT}:"


def output(project: Project, payload: Any, **more: Any) -> Any:
    said = project.tc("invoke", "--json", "--sync", "--payload", json.dumps(payload), **more)
    return said.named("result")[0]["output"]


def messages(lab: Lab, name: str) -> list[Any]:
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
    return [json.loads(message["Body"]) for message in got]


def test_each_item_is_handled_and_a_choice_goes_on(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "hints", tmp_path)
    with deployed(project):
        assert output(project, {"sizes": [30, 40]}) == {
            "images": [60, 80],
            "pixels": 140,
            "big": True,
        }
        assert messages(lab, "hints_small_bob") == []
        small = {"images": [2, 4], "pixels": 6}
        assert output(project, {"sizes": [1, 2]}) == small
        assert messages(lab, "hints_small_bob") == [small]

        project.edit("topology.yml", "> 100", "> 5")
        path = "definition.States.after report.Choices"
        (step,) = project.plan("-c", "flow")
        assert step.startswith(f"~ flow hints_list_bob {path}")
        project.tc("update", "-c", "flow")
        assert output(project, {"sizes": [1, 2]})["big"] is True


def sign(lab: Lab) -> threading.Thread:
    """A worker outside of AWS: asks for one task and answers it."""

    def work() -> None:
        client = lab.client("stepfunctions")
        task = client.get_activity_task(activityArn=f"{STATES}activity:work_sign_bob")
        name = json.loads(task["input"])["name"]
        client.send_task_success(taskToken=task["taskToken"], output=json.dumps(f"by {name}"))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_flow_waits_for_a_worker_a_token_a_chain_and_a_job(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "work", tmp_path)
    with deployed(project):
        worker = sign(lab)
        got = output(project, {"name": "ann", "numbers": [1, 2, 3]})
        worker.join()
        assert got == {
            "name": "ann",
            "numbers": [1, 2, 3],
            "signed": "by ann",
            "asked": {"answer": 42},
            "tally": {"total": 6},
            "cleaned": {"state": "SUCCEEDED"},
        }
        s3 = lab.client("s3")
        (bucket,) = [
            found["Name"] for found in s3.list_buckets()["Buckets"] if "files" in found["Name"]
        ]
        body = s3.get_object(Bucket=bucket, Key="cleaned.txt")["Body"].read()
        assert body == b"slow"
        s3.delete_object(Bucket=bucket, Key="cleaned.txt")

        project.edit("clean.py", "cleaned.txt", "done.txt")
        assert project.plan() == ["~ job work_clean_bob script"]
        project.tc("update", "-c", "jobs/clean")
        project.same()
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert [key.rpartition("/")[0] for key in keys] == ["tc/jobs/clean"]
    assert lab.client("glue").get_jobs()["Jobs"] == []
    assert lab.client("stepfunctions").list_activities()["activities"] == []


FLOW = """
name: late
{more}
flow:
  StartAt: wait
  TimeoutSeconds: 1
  States:
    wait: {{ Type: Wait, Seconds: 4, End: true }}
"""


def test_a_flow_that_takes_too_long_is_ended(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = Project(lab, tmp_path).write({"topology.yml": FLOW.format(more="")})
    with deployed(project):
        said = project.tc("invoke", "--sync", code=1)
        assert "States.Timeout" in said.err or "TIMED_OUT" in said.err


def test_a_workgroup_is_made_and_its_queries_are_refused(lab: Lab, tmp_path: Path) -> None:
    """Without DuckDB the engine would make the results up."""
    (tmp_path / ".git").mkdir()
    text = "name: late\nmode: Express\nlogging: {level: ALL}\ntracing: true\n"
    text += "workgroups: {adhoc: {output: 's3://results/'}}\n"
    text += "flow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
    project = Project(lab, tmp_path).write({"topology.yml": text})
    with deployed(project):
        athena = lab.client("athena")
        with pytest.raises(Exception, match="DuckDB"):
            athena.start_query_execution(QueryString="select 1", WorkGroup="late_adhoc_bob")
        project.edit("topology.yml", "level: ALL", "level: FATAL")
        assert project.plan() == ["~ flow late_bob logging.level"]
        project.edit("topology.yml", "{output", "{bytes_limit: 10000000, output")
        project.tc("update", "-c", "workgroups")
        project.tc("update", "-c", "flow")
        project.same()
    assert [w["Name"] for w in lab.client("athena").list_work_groups()["WorkGroups"]] == ["primary"]
