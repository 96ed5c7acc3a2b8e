"""Packages of functions that are too large to be handed to Lambda directly."""

from __future__ import annotations

from collections.abc import Iterable

from tc.events import Emit, Event
from tc.publish.bucket import Bucket
from tc.spec.artifact import Artifact


def upload(artifacts: Iterable[tuple[str, Artifact]], bucket: Bucket, emit: Emit) -> None:
    """Brings large packages, by the names of their functions, to the bucket: each once. Their
    sizes are told before."""
    for name, artifact in artifacts:
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
