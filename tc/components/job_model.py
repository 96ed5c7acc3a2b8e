"""What a user writes of a Glue job, and what AWS would refuse of it."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tc.components import defaults
from tc.components.addresses import told
from tc.compose.things import JOB_SCRIPTS, bucket_name
from tc.spec.addresses import addresses_in
from tc.spec.base import AsWritten, Entity
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_SCRIPT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+\Z")


class JobModel(Entity):
    """`jobs.X`: a Glue job."""

    script: str = Field(description="a file of the topology, or `s3://bucket/key`")
    bucket: str | None = Field(
        None, description="the bucket of the topology that a file is uploaded to"
    )
    type: Literal["python", "spark"] = Field("python", description="python (default) or spark")
    version: str | None = Field(None, description="of Glue, for spark: 5.0")
    workers: Annotated[int, Field(ge=2, le=299)] | None = Field(
        None, description="of a spark job: 2"
    )
    worker_type: Literal["G.025X", "G.1X", "G.2X", "G.4X", "G.8X"] | None = Field(
        None, description="of a spark job: G.1X"
    )
    capacity: float | None = Field(
        None, description="of a python job: 0.0625 (default) or 1 data processing unit"
    )
    timeout: Annotated[int, Field(ge=1, le=10080)] = Field(60, description="minutes; 60")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(0, description="after a failure; 0")
    arguments: dict[str, AsWritten] = Field(
        {}, description="`--name: value`; values may have addresses such as `{{tables.runs.name}}`"
    )
    connections: list[str] = Field([], description="names of Glue connections")


def model_of(entry: Entry) -> JobModel:
    assert isinstance(entry.model, JobModel)
    return entry.model


def script_file(topology: Topology, entry: Entry) -> Path | None:
    """The file that is uploaded; None when the script is in S3 already."""
    script = model_of(entry).script
    return None if script.startswith("s3://") else topology.address.file.parent / script


def script_url(topology: Topology, entry: Entry) -> str:
    """Where the job reads its script: of a file its content is in the name."""
    file = script_file(topology, entry)
    if file is None:
        return model_of(entry).script
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    bucket = bucket_name(topology.scope, model_of(entry).bucket or "")
    return f"s3://{bucket}/{JOB_SCRIPTS}{entry.name}/{digest}{file.suffix}"


def check(topology: Topology) -> Iterator[Finding]:
    yield from defaults.check_names(topology, "jobs", _NAME)
    for entry in topology.entries.get("jobs", {}).values():
        yield from defaults.check_bucket(topology, entry, model_of(entry).bucket)
        yield from _check_script(topology, entry)
        yield from _check_size(entry)
        yield from _check_arguments(entry)
        if topology.scope.local and model_of(entry).type == "spark":
            message = f"the local engine has no Spark, so `{entry.name}` can't run there"
            yield Finding("local-spark", message, entry.address, "try it on AWS", "key")


def _check_script(topology: Topology, entry: Entry) -> Iterator[Finding]:
    model, at = model_of(entry), entry.address / "script"
    file = script_file(topology, entry)
    if file is None:
        if not _SCRIPT.match(model.script):
            yield Finding("invalid-value", f"`{model.script}` is no object in S3", at)
        return
    directory = topology.address.file.parent.resolve()
    if not file.resolve().is_relative_to(directory):
        yield Finding("outside-project", f"`{model.script}` is outside the topology", at)
    elif not file.is_file():
        yield Finding("missing-file", f"there is no file `{model.script}`", at)
    if not model.bucket:
        message = f"the job `{entry.name}` doesn't say where its script goes"
        hint = "`bucket: NAME`, a bucket of the topology; or `script: s3://bucket/key`"
        yield Finding("missing-key", message, entry.address, hint, "key")


def _check_size(entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    spark = model.type == "spark"
    wrong = ("capacity",) if spark else ("workers", "worker_type", "version")
    for key in wrong:
        if getattr(model, key) is not None:
            other = "python" if spark else "spark"
            message = f"`{key}` is of {other} jobs, and this one is {model.type}"
            yield Finding("conflict", message, entry.address / key, at="key")
    if model.capacity not in (None, 0.0625, 1):
        message = "a python job has 0.0625 or 1 data processing unit"
        yield Finding("invalid-value", message, entry.address / "capacity")


def _check_arguments(entry: Entry) -> Iterator[Finding]:
    for name, text in model_of(entry).arguments.items():
        at = entry.address / "arguments" / name
        if not name.startswith("--"):
            yield Finding("bad-name", f"`{name}` is no argument", at, f"`--{name}`", "key")
        for address in addresses_in(text):
            known = sorted(told(address))
            if address.attr not in known:
                close = difflib.get_close_matches(address.attr, known, n=1)
                hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(known)}"
                message = f"a {address.kind} has no address `{address.attr}`"
                yield Finding("unknown-template", message, at, hint)
