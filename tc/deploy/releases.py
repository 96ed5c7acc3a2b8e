"""What was deployed where: small objects in the artifact bucket, two for each deploy.

::

    deployments/{namespace}/{sandbox}/{UTC time}_{version}_{kind}.json

The names alone are the history, so one listing tells it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from tc.errors import TcError
from tc.publish.bucket import Bucket
from tc.records import dataclass

Kind = Literal["deploy", "promote", "rollback", "begun", "failed", "changed"]
#: a version was brought, all of it
_WHOLE = frozenset({"deploy", "promote", "rollback"})

_PREFIX = "deployments/"
_DEPTH = 3
_TIME = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Record:
    """A deploy of a version. It is ``begun`` before its first change; what has no end after that
    was killed, ``failed`` is one that ended otherwise. ``changed`` is what `tc create`, `update`
    or `delete` do to the sandbox: from then on it is no version.

    `manifest` is the key of the version's, `commit` what it was made of, `at` UTC, `seconds`
    how long it took.
    """

    namespace: str
    sandbox: str
    version: str
    kind: Kind
    at: datetime
    manifest: str = ""
    commit: str = ""
    by: str = ""
    seconds: float = 0.0

    @property
    def key(self) -> str:
        name = f"{self.at.strftime(_TIME)}_{self.version}_{self.kind}.json"
        return prefix_of(self.namespace, self.sandbox) + name


def prefix_of(namespace: str, sandbox: str) -> str:
    """What the keys of the records of a sandbox begin with."""
    return f"{_PREFIX}{namespace}/{sandbox}/"


def write(bucket: Bucket, record: Record) -> None:
    """Keeps `record`. Nothing of it is a secret."""
    body = {**asdict(record), "at": record.at.isoformat(timespec="milliseconds")}
    bucket.put(record.key, (json.dumps(body, indent=2) + "\n").encode(), again=True)


def history(bucket: Bucket, namespace: str, sandbox: str) -> list[Record]:
    """Every deploy of a sandbox, the oldest first, as far as the names of the records tell it:
    a listing, in pages."""
    keys = bucket.keys(prefix_of(namespace, sandbox))
    return [found for key in keys if (found := _of_key(key))]


def told(bucket: Bucket, record: Record) -> Record:
    """`record` with all that was written of it: one read."""
    body = bucket.read(record.key)
    if body is None:
        return record
    try:
        found = json.loads(body)
        return Record(
            record.namespace,
            record.sandbox,
            record.version,
            record.kind,
            record.at,
            str(found["manifest"]),
            str(found["commit"]),
            str(found["by"]),
            float(found["seconds"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TcError(
            f"what is there is no record of a deploy: {error}",
            code="bad-record",
            where=bucket.uri(record.key),
            hint="delete the object",
        ) from None


def _of_key(key: str) -> Record | None:
    """The record that a key is of; None for what tc didn't write."""
    if key.count("/") != _DEPTH:
        return None
    _, namespace, sandbox, name = key.split("/")
    time, _, rest = name.removesuffix(".json").partition("_")
    version, _, kind = rest.rpartition("_")
    try:
        at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    if not version or kind not in get_args(Kind):
        return None
    return Record(namespace, sandbox, version, cast("Kind", kind), at)


def live(records: Iterable[Record]) -> Record | None:
    """The last deploy that ended well."""
    whole = [record for record in records if record.kind in _WHOLE]
    return whole[-1] if whole else None


def running(records: Iterable[Record]) -> Record | None:
    """What made the sandbox what it is: a deploy that ended well, or other commands after it."""
    done = [record for record in records if record.kind in _WHOLE or record.kind == "changed"]
    return done[-1] if done else None


def interrupted(records: Sequence[Record]) -> Record | None:
    """What was begun after the last deploy that ended well, and did not: a deploy, or changes
    besides deploys."""
    return records[-1] if records and records[-1].kind not in _WHOLE else None


def versions_before(records: Sequence[Record]) -> list[str]:
    """The versions that a way back leads to, the next one last.

    What was rolled back from is no longer among them. After a deploy that did not end well, and
    after changes by other commands, the way back leads to what ran before.
    """
    stack: list[str] = []
    for record in records:
        if record.kind == "rollback" and record.version in stack:
            del stack[stack.index(record.version) + 1 :]
        elif record.kind in _WHOLE and record.version not in stack[-1:]:
            stack.append(record.version)
    return stack if interrupted(records) else stack[:-1]


def everything(bucket: Bucket) -> dict[tuple[str, str], list[Record]]:
    """The deploys of every sandbox, by topology and sandbox, the oldest first: one listing."""
    found: dict[tuple[str, str], list[Record]] = {}
    for key in bucket.keys(_PREFIX):
        if record := _of_key(key):
            found.setdefault((record.namespace, record.sandbox), []).append(record)
    return found
