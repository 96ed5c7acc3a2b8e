"""Glue jobs of Python run as they do on AWS, keep their tags, and flows can start them and wait.

Why: the engine runs a script on whatever `python3` is, without arguments on its command line and
without the way to the engine's other services; it loses the tags of a new job; its flows don't
know `glue:startJobRun`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from .needs import need, replace

MODULE = "services.glue"
RESOURCE = "arn:aws:states:::glue:startJobRun"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")
PAUSE_S = 0.1
ERROR_CHARACTERS = 2000


def install() -> None:
    need(MODULE, "_tags")
    need(MODULE, "_arn", "resource_type", "name")
    need(MODULE, "_start_job_run", "data")
    need(MODULE, "_get_job_run", "data")
    need("services.stepfunctions", "_ExecutionError")
    replace(MODULE, "_execute_subprocess", execute, "run", "job", "args", "resolved")
    create = need(MODULE, "_create_job", "data")

    def create_tagged(data: dict[str, Any]) -> Any:
        answer = create(data)
        if answer[0] == 200 and data.get("Tags"):
            from ministack.services import glue

            glue._tags[glue._arn("job", data["Name"])] = dict(data["Tags"])
        return answer

    remove = need(MODULE, "_delete_job", "data")

    def remove_tagged(data: dict[str, Any]) -> Any:
        from ministack.services import glue

        glue._tags.pop(glue._arn("job", data.get("JobName", "")), None)
        return remove(data)

    replace(MODULE, "_create_job", create_tagged)
    replace(MODULE, "_delete_job", remove_tagged)
    dispatch: dict[str, Any] = need("services.stepfunctions", "_SERVICE_DISPATCH")
    dispatch[RESOURCE] = start


def execute(run: dict[str, Any], job: dict[str, Any], args: dict[str, Any], resolved: str) -> None:
    """Runs the script to its end: `--name value` for each argument, boto3 led to the engine."""
    given = [text for name, value in args.items() for text in (name, str(value))]
    try:
        ended = subprocess.run(
            [sys.executable, resolved, *given],
            capture_output=True,
            text=True,
            timeout=60 * job.get("Timeout", 60),
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        run["JobRunState"], run["ErrorMessage"] = "TIMEOUT", "the job's timeout has passed"
        return
    run["JobRunState"] = "SUCCEEDED" if ended.returncode == 0 else "FAILED"
    if ended.returncode:
        last = ended.stderr[-ERROR_CHARACTERS:] or f"the script ended with {ended.returncode}"
        run["ErrorMessage"] = last


def environment() -> dict[str, str]:
    """What a script finds: the boto3 that handlers have too, and the way to the engine."""
    from ministack.core.responses import get_region

    tmp = tempfile.gettempdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.environ.get("TC_HANDLER_SITE", ""),
        "TMPDIR": tmp,
        # without HOME an SDK would find the user's ~/.aws through the password file
        "HOME": tmp,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": get_region(),
        "AWS_DEFAULT_REGION": get_region(),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def start(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The task's result: the run when it has ended with `.sync`, its id without."""
    from ministack.services import glue

    status, answer = told(glue._start_job_run(arguments))
    if status != 200:
        fail(f"Glue.{answer.get('__type', 'GlueException')}", answer.get("message", ""))
    if not resource.endswith(".sync"):
        return answer
    asked = {"JobName": arguments["JobName"], "RunId": answer["JobRunId"]}
    while True:
        _, found = told(glue._get_job_run(asked))
        run: dict[str, Any] = found["JobRun"]
        if run["JobRunState"] in ENDED:
            break
        time.sleep(PAUSE_S)
    if run["JobRunState"] != "SUCCEEDED":
        fail("States.TaskFailed", json.dumps(run))
    return run


def told(answer: Any) -> tuple[int, dict[str, Any]]:
    status, _, body = answer
    return status, json.loads(body)


def fail(error: str, cause: str) -> None:
    from ministack.services import stepfunctions

    raise stepfunctions._ExecutionError(error, cause)
