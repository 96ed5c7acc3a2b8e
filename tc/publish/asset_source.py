"""Artifacts that are on S3: brought to a directory of the cache, where only what changed there
is fetched again.

What was fetched is remembered beside the directory, by the objects' ETags; each object is read in
parts, all of one version of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.records import dataclass
from tc.spec.asset import PART

_URI = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]+)(?:/(?P<prefix>.*))?\Z")


@dataclass(frozen=True, slots=True)
class _Object:
    key: str
    path: str
    size: int
    etag: str


def fetch_source(aws: Aws, uri: str, directory: Path, emit: Emit) -> Path:
    """Makes `directory`/files what is below `uri` (``s3://bucket/prefix``); gives that back.

    Raises TcError: `uri` is none, nothing is there, an object changed meanwhile.
    """
    match = _URI.match(uri)
    if match is None:
        raise TcError(f"`{uri}` is no address on S3", code="no-asset", hint="s3://BUCKET/PREFIX")
    bucket, prefix = match["bucket"], (match["prefix"] or "").strip("/")
    wanted = _listed(aws, bucket, f"{prefix}/" if prefix else "", uri)
    files, index = directory / "files", directory / "index.json"
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = _known(index)
    changed = [one for one in wanted if known.get(one.path) != one.etag or not _fits(files, one)]
    if changed:
        size = sum(one.size for one in changed)
        data = {"what": uri, "total": size, "unit": "B", "files": len(changed)}
        emit(Event("progress", f"Fetching {uri}", {**data, "done": 0}))
    for one in changed:
        _fetch(aws, bucket, one, files)
        known[one.path] = one.etag
        _write(index, known)
    _drop(files, {one.path for one in wanted})
    _write(index, {one.path: one.etag for one in wanted})
    return files


def _listed(aws: Aws, bucket: str, prefix: str, uri: str) -> list[_Object]:
    found = []
    try:
        for one in aws.pages("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix):
            key = str(one["Key"])
            if key.endswith("/"):
                continue
            path = PurePosixPath(key.removeprefix(prefix))
            if path.is_absolute() or ".." in path.parts:
                raise TcError(f"the key {key!r} is no path", code="no-asset", where=uri)
            found.append(_Object(key, path.as_posix(), int(one["Size"]), str(one["ETag"])))
    except AwsError as error:
        if error.missing:
            raise TcError(f"there is no bucket {bucket}", code="no-asset", where=uri) from error
        raise
    if not found:
        raise TcError("nothing is there to publish", code="no-asset", where=uri)
    return found


def _known(index: Path) -> dict[str, str]:
    try:
        found = json.loads(index.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return dict(found)


def _fits(files: Path, one: _Object) -> bool:
    place = files / one.path
    return place.is_file() and place.stat().st_size == one.size


def _fetch(aws: Aws, bucket: str, one: _Object, files: Path) -> None:
    """The object, in parts, many at once; it appears when it is whole."""
    place = files / one.path
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".tc-{os.getpid()}-{place.name}"[:255])
    with temporary.open("wb") as file:
        file.truncate(one.size)

    def part(offset: int) -> None:
        end = min(offset + PART, one.size) - 1
        body = aws.call(
            "s3",
            "get_object",
            Bucket=bucket,
            Key=one.key,
            IfMatch=one.etag,
            Range=f"bytes={offset}-{end}",
        )["Body"]
        with temporary.open("r+b") as file:
            file.seek(offset)
            file.write(body)

    try:
        aws.map(part, _offsets(one.size))
        temporary.replace(place)
    except AwsError as error:
        if error.aws_code == "PreconditionFailed" or error.status == 412:
            raise TcError(
                "the object changed while it was read",
                code="changed-meanwhile",
                where=f"s3://{bucket}/{one.key}",
                hint="run this again when nothing writes it",
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _offsets(size: int) -> Sequence[int]:
    return range(0, size, PART)


def _write(index: Path, known: Mapping[str, str]) -> None:
    temporary = index.with_name(f".{index.name}-{os.getpid()}")
    temporary.write_text(json.dumps(known))
    temporary.replace(index)


def _drop(files: Path, wanted: set[str]) -> None:
    """Removes what isn't there any more."""
    for folder, _, names in os.walk(files, topdown=False):
        for name in names:
            path = Path(folder, name)
            if path.relative_to(files).as_posix() not in wanted:
                path.unlink()
