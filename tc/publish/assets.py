"""Assets to a file system: what it lacks goes through the artifact bucket in parts, and the
publisher (`tc.publish.publisher`) puts a new version together beside the one that is used.

::

    status ─► manifest to the bucket ─► prepare ─┬─► parts to the bucket, write ─┬─► finish ─► prune
                                                 └── batches, many at once ──────┘

In the bucket::

    transit/{access point}/{path}/{sha256}                    parts: deleted at the end
    assets/{access point}/versions/{path}/{version}.json.gz   of the versions that are kept
    assets/{access point}/current/{path}                      which version is there, and whose

Each step can be repeated: after an interruption only what is still missing moves.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components.protocol import Aws
from tc.config import Roles
from tc.errors import TcError
from tc.events import Emit, Event
from tc.publish.bucket import Bucket
from tc.publish.publisher_function import Place, ensure_publisher, invoked, publisher_name
from tc.records import dataclass
from tc.spec.asset import PART, SMALL, AssetFile, Manifest

#: bytes that one invocation writes, and files it is told of (Lambda: 6 MB of payload)
_BATCH, _MOST = 64 * 1024 * 1024, 4000
#: how often it is begun anew when parts were lost, or another run was in between
_ROUNDS = 4
#: seconds between two words on how far it is
_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Asset:
    """What is to be published: `path` is below the mount point of `place` (``etl/model``),
    `name` what it is called in messages, `owner` the topology that publishes it."""

    name: str
    owner: str
    place: Place
    path: str
    manifest: Manifest
    keep: int = 3

    @property
    def transit(self) -> str:
        """What the keys of its parts in the bucket begin with."""
        return f"{self.place.transit}{self.path}/"

    @property
    def current_key(self) -> str:
        return f"{self.place.prefix}current/{self.path}"

    def manifest_key(self, version: str) -> str:
        return f"{self.place.prefix}versions/{self.path}/{version}.json.gz"

    @property
    def full_path(self) -> str:
        return f"{self.place.mount_point}/{self.path}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What would move: files, and their bytes."""

    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Published:
    """What was done: `moved` are the bytes that went to the bucket, `removed` the old versions
    that went; `unchanged` when all was there, `first` when nothing was."""

    moved: int = 0
    files: int = 0
    removed: int = 0
    unchanged: bool = False
    first: bool = False


def difference(bucket: Bucket, asset: Asset, *, adopt: bool = False) -> Difference:
    """What `publish` would move, by what the bucket remembers of the last time; writes nothing."""
    files: list[Any] = []
    if version := _remembered(bucket, asset, adopt=adopt):
        packed = bucket.read(asset.manifest_key(version))
        files = json.loads(gzip.decompress(packed))["files"] if packed else []
    known = {(executable, *parts) for _, _, executable, parts in files}
    parts = {part for file in files for part in file[3]}
    new = {(one.executable, *one.parts): one for one in asset.manifest.files}
    lacking = [one for key, one in new.items() if key not in known]
    moving = {part: size for one in lacking for part, size in one.sizes if part not in parts}
    return Difference(len(lacking), sum(moving.values()))


def _remembered(bucket: Bucket, asset: Asset, *, adopt: bool) -> str:
    """The version that the bucket says is there; empty for none. Raises TcError ``shared-asset``
    when another topology put another one there, unless `adopt`."""
    body = bucket.read(asset.current_key)
    if body is None:
        return ""
    version, _, owner = body.decode().partition(" ")
    if owner not in ("", asset.owner) and version != asset.manifest.digest and not adopt:
        raise TcError(
            f"what is at {asset.full_path} is the topology `{owner}`'s: {asset.name} would "
            "replace it",
            code="shared-asset",
            where=asset.full_path,
            hint="choose another path, or take it over with `--adopt`",
        )
    return version


def publish(
    aws: Aws, bucket: Bucket, asset: Asset, roles: Roles, emit: Emit, *, adopt: bool = False
) -> Published:
    """Makes `asset.path` lead to what the manifest says.

    Raises TcError: the path has something that tc didn't put there, or another topology unless
    `adopt`; a file changed since the manifest was made; the publisher can't be made or fails.
    """
    bucket.ensure()
    remembered = _remembered(bucket, asset, adopt=adopt)
    ensure_publisher(aws, asset.place, bucket.name, roles)
    publisher = _Publisher(aws, bucket, asset)
    version = asset.manifest.digest
    before = publisher.ask("status")["current"]
    if before == version:
        if remembered != version:
            _tidy(bucket, publisher, asset)
        return Published(unchanged=True)
    bucket.put(asset.manifest_key(version), gzip.compress(asset.manifest.body, 6, mtime=0))
    moved = _Moved(emit, asset)
    for _ in range(_ROUNDS):
        _move(aws, bucket, publisher, asset, moved)
        done = publisher.until_done("finish")
        if not done.get("missing"):
            break
    else:
        raise TcError(
            f"{asset.name} can't be completed: {done['missing']} files are missing each time",
            code="asset-failed",
            where=asset.full_path,
            hint="look whether another run publishes to that path, then run this again",
        )
    removed = _tidy(bucket, publisher, asset)
    return Published(moved.sent, moved.files, removed, first=not before)


def _tidy(bucket: Bucket, publisher: _Publisher, asset: Asset) -> int:
    """Removes what isn't needed any more, and at the end writes down which version is there: a
    run that was stopped before is made up for by the next. How many versions went."""
    # those of an interrupted run too; another run that needs one of them sends it again
    bucket.delete(bucket.keys(asset.transit))
    removed: list[str] = []
    while True:
        answer = publisher.ask("prune", keep=asset.keep)
        removed += answer["removed"]
        if not answer["more"]:
            break
    bucket.delete(asset.manifest_key(version) for version in removed)
    current = f"{asset.manifest.digest} {asset.owner}"
    bucket.put(asset.current_key, current.encode(), again=True)
    return len(removed)


# -- what moves ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is one object in the bucket: part `number` of one file, or some small files whole."""

    key: str
    size: int
    files: tuple[AssetFile, ...]
    number: int | None

    def body(self) -> bytes:
        """Its bytes, read now; raises TcError when a file isn't any more what it was."""
        found = b"".join(_read(file, self.number or 0) for file in self.files)
        if hashlib.sha256(found).hexdigest() != self.key:
            names = ", ".join(str(file.source) for file in self.files[:3])
            raise TcError(
                "a file changed since it was looked at",
                code="changed-meanwhile",
                where=names,
                hint="run this again when nothing writes it",
            )
        return found


def _read(file: AssetFile, number: int) -> bytes:
    try:
        with file.source.open("rb") as opened:
            opened.seek(number * PART)
            return opened.read(PART)
    except OSError as error:
        raise TcError(
            f"this can't be read: {(error.strerror or str(error)).lower()}",
            code="unreadable",
            where=str(file.source),
        ) from error


def _move(aws: Aws, bucket: Bucket, publisher: _Publisher, asset: Asset, moved: _Moved) -> None:
    """Brings what the file system lacks, in batches, many at once."""
    lacking = publisher.lacking()
    files = asset.manifest.files
    pieces = list(_pieces((files[number], there) for number, there in lacking.items()))
    moved.begin(len(lacking), sum(piece.size for piece in pieces))

    def bring(batch: Sequence[_Piece]) -> None:
        again = False
        for _ in range(_ROUNDS):
            for piece in batch:
                moved.add(piece.size, sent=_send(bucket, asset, piece, again=again))
            lost = set(publisher.write(batch))
            batch, again = [piece for piece in batch if piece.key in lost], True
            if not batch:
                return
        raise TcError(
            f"the publisher finds parts of {asset.name} missing or damaged in {bucket.name}",
            code="asset-failed",
            where=publisher_name(asset.place),
            hint="look at the bucket's policy: the publisher's role must be able to read",
        )

    aws.map(bring, list(_batches(pieces)))


def _send(bucket: Bucket, asset: Asset, piece: _Piece, *, again: bool) -> bool:
    """Whether the piece had to be sent: it may be there from an interrupted run."""
    key = f"{asset.transit}{piece.key}"
    if not again and bucket.has(key):
        return False
    return bucket.put(key, piece.body(), again=True)


def _pieces(lacking: Iterable[tuple[AssetFile, Sequence[int]]]) -> Iterator[_Piece]:
    """The pieces of the files; of each the numbers of the parts that are there already."""
    small: list[AssetFile] = []
    size = 0
    for file, there in lacking:
        if file.size >= SMALL:
            for number, digest in enumerate(file.parts):
                if number not in there:
                    yield _Piece(digest, file.sizes[number][1], (file,), number)
            continue
        if size + file.size > PART or len(small) >= _MOST:
            yield _pack(small, size)
            small, size = [], 0
        small.append(file)
        size += file.size
    if small:
        yield _pack(small, size)


def _pack(files: Sequence[AssetFile], size: int) -> _Piece:
    """Small files behind one another; a pack is named by what it holds as any part is."""
    total = hashlib.sha256()
    for file in files:
        total.update(_read(file, 0))
    return _Piece(total.hexdigest(), size, tuple(files), None)


def _batches(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """What one invocation writes."""
    batch: list[_Piece] = []
    size = count = 0
    for piece in pieces:
        if batch and (size + piece.size > _BATCH or count + len(piece.files) > _MOST):
            yield batch
            batch, size, count = [], 0, 0
        batch.append(piece)
        size += piece.size
        count += len(piece.files)
    if batch:
        yield batch


class _Moved:
    """How much has moved; tells of it from time to time."""

    def __init__(self, emit: Emit, asset: Asset):
        self._emit = emit
        self._name = asset.name
        self._lock = threading.Lock()
        self._begun = self._told = time.monotonic()
        self._done = self._total = 0
        self.sent = self.files = 0

    def begin(self, files: int, size: int) -> None:
        self._done, self._total = 0, size
        self.files = max(self.files, files)

    def add(self, size: int, *, sent: bool) -> None:
        with self._lock:
            self._done += size
            self.sent += size if sent else 0
            now = time.monotonic()
            if now - self._told < _EVERY:
                return
            self._told = now
            done = min(self._done, self._total)
        seconds = round(now - self._begun, 1)
        data = {"what": self._name, "done": done, "total": self._total, "unit": "B"}
        text = f"Publishing {self._name}, {seconds:.0f} s"
        self._emit(Event("progress", text, {**data, "seconds": seconds}))


# -- the publisher ---------------------------------------------------------------------------


class _Publisher:
    """Invokes the publisher for one asset."""

    def __init__(self, aws: Aws, bucket: Bucket, asset: Asset):
        self._aws = aws
        self._asset = asset
        self._name = publisher_name(asset.place)
        self._said = {
            "path": asset.path,
            "bucket": bucket.name,
            "prefix": asset.place.prefix,
            "transit": asset.transit,
            "version": asset.manifest.digest,
        }

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """One step; raises TcError when the publisher fails or says that it can't be."""
        answer = invoked(self._aws, self._name, {**self._said, "do": do, **more})
        found = json.loads(answer["Payload"])
        if answer.get("FunctionError"):
            said = found.get("errorMessage") if isinstance(found, Mapping) else found
            raise TcError(
                f"the publisher of {self._asset.name} failed: {said}",
                code="asset-failed",
                where=self._name,
                hint=f"its log is /aws/lambda/{self._name}",
            )
        if "refused" in found:
            code, said = found["refused"]
            raise TcError(said, code=code, where=self._asset.full_path, hint=_HINTS.get(code, ""))
        return dict(found)

    def until_done(self, do: str, **more: Any) -> dict[str, Any]:
        """The last answer to a step that may take more than one invocation."""
        while True:
            answer = self.ask(do, **more)
            if not answer.get("more"):
                return answer

    def lacking(self) -> dict[int, list[int]]:
        """Numbers of files that must be brought, with those of their parts that are there."""
        answer = self.until_done("prepare")
        if answer.get("whole"):
            return {}
        found = json.loads(zlib.decompress(base64.b64decode(answer["missing"])))
        return {int(number): parts for number, parts in found.items()}

    def write(self, batch: Sequence[_Piece]) -> list[str]:
        """Has the pieces written; the keys of those that the bucket lacks or has damaged."""
        numbers: dict[AssetFile, list[int]] = {}
        for piece in batch:
            if piece.number is not None:
                numbers.setdefault(piece.files[0], []).append(piece.number)
        parts = [
            [file.path, file.size, file.executable, file.parts, wanted]
            for file, wanted in numbers.items()
        ]
        packs = [
            [piece.key, [[file.path, file.size, file.executable] for file in piece.files]]
            for piece in batch
            if piece.number is None
        ]
        lost: list[str] = self.until_done("write", parts=parts, packs=packs)["lacking"]
        return lost


_HINTS = {
    "disk-full": "make room: what has arrived stays, and the next run goes on with it",
    "foreign-asset": "move it away, or publish to another path",
    "file-system": "look at the access point's user and the modes of its directories",
    "no-bucket": "give the VPC a gateway endpoint for S3: it costs nothing",
}
