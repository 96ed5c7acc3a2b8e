"""The names on AWS of queues, buckets, tables, delivery streams, activities, workgroups, jobs."""

from __future__ import annotations

import hashlib

from tc.spec.names import shorten
from tc.spec.ref import Ref
from tc.spec.scope import Scope, dns_suffix
from tc.spec.topology import Entry

#: how the name of a FIFO queue ends
FIFO = ".fifo"
#: characters of a name: SQS (the ending included), S3, DynamoDB, Firehose
_QUEUE_LIMIT = 80
_BUCKET_LIMIT = 63
_TABLE_LIMIT = 255
_STREAM_LIMIT = 64
#: activities, Athena workgroups, Glue jobs
_ACTIVITY_LIMIT = 80
_WORKGROUP_LIMIT = 128
_JOB_LIMIT = 255
_HASH = 8
#: what tc puts into a bucket of the topology: scripts of Glue jobs
JOB_SCRIPTS = "tc/jobs/"


def queue_name(scope: Scope, entry: Entry, *, dlq: bool = False) -> str:
    """The name of the queue, or of the queue of dead letters that tc makes for it.

    Of an existing queue it is the one that was written, of an ARN its last part.
    """
    written = getattr(entry.model, "name", None)
    if written and not dlq:
        return str(written).rpartition(":")[2]
    end = FIFO if getattr(entry.model, "fifo", False) else ""
    middle = f"{entry.name}-dlq" if dlq else entry.name
    name = f"{scope.namespace}_{middle}_{scope.sandbox}"
    return shorten(name, _QUEUE_LIMIT - len(end)) + end


def queue_arn(scope: Scope, entry: Entry, *, dlq: bool = False) -> str:
    written = getattr(entry.model, "name", None)
    if written and not dlq and str(written).startswith("arn:"):
        return str(written)
    return scope.arn("sqs", queue_name(scope, entry, dlq=dlq))


def queue_url(scope: Scope, entry: Entry) -> str:
    """The address of the queue as AWS gives it; the local engine takes it too."""
    _, _, _, region, account, name = queue_arn(scope, entry).split(":", 5)
    return f"https://sqs.{region}.{dns_suffix(scope.partition)}/{account}/{name}"


def bucket_name(scope: Scope, name: str) -> str:
    """The name of the bucket `name`: lower case, and with a hash, since all accounts of
    a partition share the names of buckets."""
    parts = (scope.namespace, name, scope.sandbox, scope.account, scope.region)
    if any("{{" in part for part in parts):
        return f"{scope.namespace}-{name}-{scope.sandbox}-{{{{hash}}}}"
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_HASH]
    readable = "-".join(parts[:3]).lower().replace("_", "-")
    return f"{readable[: _BUCKET_LIMIT - _HASH - 1].rstrip('-')}-{digest}"


def bucket_arn(scope: Scope, name: str) -> str:
    return f"arn:{scope.partition}:s3:::{bucket_name(scope, name)}"


def table_name(scope: Scope, name: str) -> str:
    return scope.name(scope.namespace, name, scope.sandbox, limit=_TABLE_LIMIT)


def table_arn(scope: Scope, name: str) -> str:
    return scope.arn("dynamodb", f"table/{table_name(scope, name)}")


def table_stream(scope: Scope, name: str) -> Ref:
    """The ARN of the table's stream, which has the time of its making in it."""
    return Ref(f"table/{table_name(scope, name)}", "stream")


def stream_name(scope: Scope, name: str) -> str:
    return scope.name(scope.namespace, name, scope.sandbox, limit=_STREAM_LIMIT)


def stream_arn(scope: Scope, name: str) -> str:
    return scope.arn("firehose", f"deliverystream/{stream_name(scope, name)}")


def activity_name(scope: Scope, name: str) -> str:
    return scope.name(scope.namespace, name, scope.sandbox, limit=_ACTIVITY_LIMIT)


def activity_arn(scope: Scope, name: str) -> str:
    return scope.arn("states", f"activity:{activity_name(scope, name)}")


def workgroup_name(scope: Scope, name: str) -> str:
    return scope.name(scope.namespace, name, scope.sandbox, limit=_WORKGROUP_LIMIT)


def workgroup_arn(scope: Scope, name: str) -> str:
    return scope.arn("athena", f"workgroup/{workgroup_name(scope, name)}")


def job_name(scope: Scope, name: str) -> str:
    return scope.name(scope.namespace, name, scope.sandbox, limit=_JOB_LIMIT)


def job_arn(scope: Scope, name: str) -> str:
    return scope.arn("glue", f"job/{job_name(scope, name)}")


def workgroup_output(scope: Scope, entry: Entry) -> str:
    """Where the queries of a workgroup write their results."""
    bucket = getattr(entry.model, "bucket", None)
    if bucket:
        return f"s3://{bucket_name(scope, bucket)}/athena/{entry.name}/"
    return str(getattr(entry.model, "output", None) or "")
