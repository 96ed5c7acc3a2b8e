"""The places of an asset on the file system and in the bucket, and many things at once."""

from __future__ import annotations

import base64
import json
import os
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

#: parts that are fetched at once in one invocation
FETCHES = 8


class Refused(Exception):
    """The step can't be done: `Refused(code, sentence)`."""


class Asset:
    """The places of an asset, and of the version that an invocation is about."""

    def __init__(self, event: dict[str, Any], deadline: float) -> None:
        self.event = event
        self.relative = str(event["path"])
        self.path = Path(os.environ["MOUNT"]) / relative(self.relative)
        self.store = self.path.parent / ".tc" / self.path.name
        self.version = str(event["version"])
        self.new = self.store / f"new-{self.version}"
        self.bucket = str(event["bucket"])
        self.prefix = str(event["prefix"])
        self.transit = str(event["transit"])
        self.deadline = deadline

    @property
    def whole(self) -> Path:
        """The directory of the version when it is complete."""
        return self.store / self.version

    @property
    def over(self) -> bool:
        return time.monotonic() > self.deadline

    def current(self) -> str:
        """The version that the path leads to; empty when nothing is there."""
        for above in self.path.parents[: len(PurePosixPath(self.relative).parts) - 1]:
            if above.is_symlink():
                raise Refused("foreign-asset", f"{self.path} is inside of the asset {above}")
        if self.path.is_symlink():
            target = PurePosixPath(self.path.readlink())
            if target.parent == PurePosixPath(".tc") / self.path.name:
                return target.name
        elif not self.path.exists():
            return ""
        raise Refused("foreign-asset", f"{self.path} is there, and tc didn't put it there")

    def part(self, digest: str) -> bytes | None:
        """A part or a pack, from the bucket."""
        return self.fetch(self.transit + digest)

    def manifest(self) -> bytes | None:
        """The version's manifest, packed, from the bucket."""
        return self.fetch(f"{self.prefix}versions/{self.relative}/{self.version}.json.gz")

    def fetch(self, key: str) -> bytes | None:
        """An object of the bucket; None when it isn't there."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = _s3().get_object(Bucket=self.bucket, Key=key)
            return bytes(found["Body"].read())
        except ClientError as error:
            # S3 answers 403 for what isn't there to those who may not list
            if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
                return None
            raise Refused("no-bucket", f"S3 says of {self.bucket}: {error}") from error
        except BotoCoreError as error:
            raise Refused("no-bucket", f"S3 can't be reached from here: {error}") from error


def relative(path: str) -> PurePosixPath:
    found = PurePosixPath(path)
    if found.is_absolute() or not found.parts or ".." in found.parts:
        raise Refused("bad-path", f"{path!r} is no path on the file system")
    return found


_clients: list[Any] = []


def _s3() -> Any:
    if not _clients:
        import boto3
        from botocore.config import Config

        # without a way to S3 from its subnets every connection times out
        settings = Config(
            max_pool_connections=FETCHES, connect_timeout=5, retries={"max_attempts": 2}
        )
        _clients.append(boto3.client("s3", config=settings))
    return _clients[0]


def at_once(
    asset: Asset, do: Callable[[Any], Any], items: Iterable[Any], workers: int
) -> tuple[list[Any], bool]:
    """(what `do` gave for the items, whether time was up before all of them were done)."""
    late = object()

    def turn(item: Any) -> Any:
        return late if asset.over else do(item)

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(turn, items))
    done = [one for one in found if one is not late]
    return done, len(done) < len(found)


def packed(value: Any) -> str:
    """Any data, small enough for an answer of Lambda (6 MB)."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()
