"""Packages of functions that Lambda gets from the artifact bucket."""

from __future__ import annotations

from collections.abc import Iterable

from tc.errors import TcError
from tc.events import Emit, Event
from tc.publish.bucket import Bucket
from tc.spec.artifact import Artifact


def upload(artifacts: Iterable[tuple[str, Artifact]], bucket: Bucket, emit: Emit) -> None:
    """Brings packages, by the names of their functions, to the bucket: each once. Their sizes are
    told before.

    Raises TcError ``package-gone`` for those of a version that are no longer there.
    """
    wanted = list(artifacts)
    lacking = bucket.lacks(one.key for _, one in wanted if one.in_bucket)
    gone = [name for name, one in wanted if one.key in lacking]
    if gone:
        raise TcError(
            f"the packages of {', '.join(gone)} are no longer in the bucket",
            code="package-gone",
            where=bucket.name,
            hint="deploy another version, or delete its manifest there and deploy it from its tag",
        )
    for name, artifact in (one for one in wanted if not one[1].in_bucket):
        if bucket.ensure():
            emit(Event("bucket.made", f"Created bucket {bucket.name}", {"bucket": bucket.name}))
        if bucket.has(artifact.key):
            continue
        emit(_sizes(name, artifact))
        bucket.put(artifact.key, artifact.path, again=True)


def _sizes(name: str, artifact: Artifact) -> Event:
    largest = ", ".join(f"{what} {_mb(size)}" for what, size in artifact.largest)
    text = (
        f"Uploading the package of {name}: {_mb(artifact.size)}, {_mb(artifact.unpacked)} "
        f"unpacked; the largest in it: {largest}"
    )
    data = {
        "function": name,
        "bytes": artifact.size,
        "unpacked": artifact.unpacked,
        "largest": dict(artifact.largest),
    }
    return Event("package.upload", text, data)


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"
