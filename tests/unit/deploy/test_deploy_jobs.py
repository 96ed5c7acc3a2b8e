"""Glue jobs: their scripts go where they are read, each field changes alone, nothing is left."""

from __future__ import annotations

import json

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws, role_policy

SCRIPT = {"clean.py": "print('clean')\n"}
JOB = """
name: etl
buckets: {files: {}}
tables: {runs: {key: id}}
jobs:
  clean: {script: clean.py, bucket: files, arguments: {--table: '{{tables.runs.name}}'}}
"""
SPARK = "name: etl\njobs: {big: {script: 's3://scripts/big.py', type: spark, workers: 4}}\n"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def test_a_job_comes_with_its_script_and_both_go(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(JOB, files=SCRIPT).topology()
    assert failures(create(aws, topology)) == []
    job = aws.jobs["etl_clean_bob"]
    assert aws.scripts == {job["Command"]["ScriptLocation"]: b"print('clean')\n"}
    assert job["Command"]["Name"] == "pythonshell"
    assert job["DefaultArguments"] == {"--table": "etl_runs_bob"}
    assert job["MaxCapacity"] == 0.0625
    settled(aws, topology)
    aws.tables.clear()
    assert delete(aws, topology).ok
    assert aws.is_empty()
    assert aws.scripts == {}


def test_no_version_of_a_script_keeps_its_bucket(directory: Directory, aws: FakeAws) -> None:
    text = JOB.replace("{files: {}}", "{files: {versioning: true}}")
    topology = directory.write(text, files=SCRIPT).topology()
    assert create(aws, topology).ok
    ((url, body),) = aws.scripts.items()
    bucket, _, key = url.removeprefix("s3://").partition("/")
    aws.s3_put_object(bucket, key, body)
    aws.tables.clear()
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_its_role_reads_the_script_and_uses_what_its_arguments_name(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write(JOB, files=SCRIPT).topology())
    name = next(name for name in aws.roles if "job.clean" in name)
    trust = json.dumps(aws.roles[name]["role"]["AssumeRolePolicyDocument"])
    assert "glue.amazonaws.com" in trust
    logs, script, table, *rest = role_policy(aws, name)["Statement"]
    assert rest == []
    assert logs["Resource"] == ["arn:aws:logs:eu-west-1:111122223333:log-group:/aws-glue/*"]
    (bucket,) = aws.buckets
    assert script == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/tc/jobs/clean/*"],
    }
    assert any("table/etl_runs_bob" in arn for arn in table["Resource"])


def test_another_script_is_uploaded_and_the_old_one_taken_away(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write(JOB, files=SCRIPT).topology())
    topology = directory.write(JOB, files={"clean.py": "print('cleaner')\n"}).topology()
    assert work(plan(aws, topology)) == ["~ job etl_clean_bob: script"]
    aws.forget()
    assert create(aws, topology, "jobs").ok
    assert aws.writes() == ["s3.put_object", "glue.update_job", "s3.delete_objects"]
    assert list(aws.scripts.values()) == [b"print('cleaner')\n"]
    settled(aws, topology)


FIELDS = [
    ("workers: 4", "workers: 8", "workers"),
    ("workers: 4", "workers: 4, worker_type: G.2X", "worker_type"),
    ("workers: 4", "workers: 4, version: '4.0'", "glue_version"),
    ("workers: 4", "workers: 4, timeout: 5", "timeout_min"),
    ("workers: 4", "workers: 4, retries: 1", "retries"),
    ("workers: 4", "workers: 4, arguments: {--x: y}", "arguments.--x"),
    ("big.py", "bigger.py", "script"),
]


@pytest.mark.parametrize(("old", "new", "field"), FIELDS)
def test_one_field_is_one_call(
    directory: Directory, aws: FakeAws, old: str, new: str, field: str
) -> None:
    create(aws, directory.write(SPARK).topology())
    settled(aws, directory.topology())
    topology = directory.write(SPARK.replace(old, new)).topology()
    assert f"~ job etl_big_bob: {field}" in work(plan(aws, topology))
    aws.forget()
    create(aws, topology)
    assert [name for name in aws.writes() if not name.startswith("iam.")] == ["glue.update_job"]
    settled(aws, topology)


def test_what_is_taken_out_goes(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(SPARK).topology())
    topology = directory.write("name: etl\n").topology()
    assert "- job etl_big_bob" in work(plan(aws, topology))
    assert create(aws, topology).ok
    assert aws.is_empty()


def test_a_foreign_job_of_that_name_stops_the_run(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(SPARK).topology())
    aws.jobs["etl_big_bob"]["tags"] = {}
    aws.forget()
    with pytest.raises(Exception, match="etl_big_bob"):
        create(aws, directory.write(SPARK.replace("workers: 4", "workers: 5")).topology())
    assert aws.writes() == []


BAD = [
    ("{script: nothing.py, bucket: files}", "missing-file"),
    ("{script: clean.py}", "missing-key"),
    ("{script: ../clean.py, bucket: files}", "outside-project"),
    ("{script: 's3://x'}", "invalid-value"),
    ("{script: clean.py, bucket: file}", "unknown-name"),
    ("{script: clean.py, bucket: files, workers: 2}", "conflict"),
    ("{script: clean.py, bucket: files, type: spark, capacity: 1}", "conflict"),
    ("{script: clean.py, bucket: files, capacity: 0.5}", "invalid-value"),
    ("{script: clean.py, bucket: files, arguments: {mode: fast}}", "bad-name"),
    (
        "{script: clean.py, bucket: files, arguments: {--b: '{{buckets.files.url}}'}}",
        "unknown-template",
    ),
    (
        "{script: clean.py, bucket: files, arguments: {--b: '{{buckets.nobody.name}}'}}",
        "unknown-name",
    ),
]


@pytest.mark.parametrize(("text", "code"), BAD)
def test_what_aws_would_refuse(directory: Directory, text: str, code: str) -> None:
    directory.write(f"name: etl\nbuckets: {{files: {{}}}}\njobs: {{clean: {text}}}\n", files=SCRIPT)
    assert [finding.code for finding in directory.findings()] == [code]


def test_spark_is_refused_on_local(directory: Directory) -> None:
    (finding,) = directory.write(SPARK).findings(local=True)
    assert finding.code == "local-spark"
