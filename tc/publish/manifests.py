"""Versions in artifact buckets: written once, found again, and brought to where they are deployed.

One bucket is the source of truth, the one of the env that `artifacts.env` of config.yml names, else
the target's own. The target's has a copy of all that its functions are made of: Lambda takes
packages from its own region alone, and a way back must not need another account.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tc.components.protocol import Aws
from tc.errors import TcError
from tc.events import Emit, Event
from tc.publish.bucket import Bucket
from tc.publish.part import key_of
from tc.records import dataclass
from tc.spec.manifest import Manifest, manifest_key, manifest_of

#: what is written: a file, or what reads it when it is needed
Content = Path | Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A bucket, and the door to the account that it is in."""

    aws: Aws
    bucket: Bucket


class Versions:
    """The versions that `here` (the target's bucket), `central` and `others` have, as they were
    built for what `here` is: Lambda, or this machine.

    Nothing is called before it is needed.
    """

    def __init__(
        self,
        here: Shelf,
        central: Callable[[], Shelf] | None = None,
        others: Sequence[Callable[[], Shelf]] = (),
    ):
        self._here = here
        self._makers = ([central] if central else []) + list(others)
        self._made: list[Shelf] = []
        self._has_central = central is not None

    @property
    def here(self) -> Bucket:
        return self._here.bucket

    def find(self, namespace: str, version: str) -> Manifest | None:
        """The manifest of a version, wherever it is; None when no bucket has it."""
        for place in self._places():
            if found := _read(place.bucket, self._key(namespace, version)):
                return found
        return None

    def names(self, namespace: str) -> list[str]:
        """The versions that there are, in no order."""
        prefix = self._key(namespace, "").removesuffix(".json")
        found = (
            key.removeprefix(prefix).removesuffix(".json")
            for place in self._places()
            for key in place.bucket.keys(prefix)
        )
        return [name for name in dict.fromkeys(found) if "/" not in name]

    def publish(self, manifest: Manifest, contents: Mapping[str, Content], emit: Emit) -> Manifest:
        """Writes `contents` by their keys, then the manifest, to the source of truth; what is
        there then. Of several at once the first one's stays.

        Raises TcError ``version-taken`` when the version is there with another commit.
        """
        truth = self._truth()
        _ensure(truth.bucket, emit)
        truth.aws.map(lambda one: _put(truth.bucket, *one), contents.items())
        if truth.bucket.claim(manifest.key, manifest.text().encode()):
            data = {"version": manifest.version, "key": truth.bucket.uri(manifest.key)}
            text = f"Published {manifest.namespace} {manifest.version} ({manifest.short})"
            emit(Event("version.published", text, data))
            return manifest
        other = _read(truth.bucket, manifest.key)
        assert other
        refuse_other(other, manifest.sha)
        return other

    def holds(self, manifest: Manifest) -> bool:
        """Whether the target's bucket has the version: its manifest comes last."""
        return self._here.bucket.has(manifest.key)

    def bring(self, manifest: Manifest, emit: Emit) -> None:
        """Copies what the target's bucket lacks of a version to it, the manifest last. Raises
        TcError ``package-gone`` when something is gone."""
        target = self._here
        _ensure(target.bucket, emit)
        lacking = target.bucket.lacks(keys_of(manifest))
        if lacking:
            text = f"Copying {len(lacking)} objects of {manifest.namespace} {manifest.version}"
            emit(Event("log", f"{text} to {target.bucket.name}", {"text": text}))
        target.aws.map(lambda key: target.bucket.put(key, self.fetch(key)), lacking)
        if not target.bucket.claim(manifest.key, manifest.text().encode()):
            other = _read(target.bucket, manifest.key)
            if other:
                refuse_other(other, manifest.sha)

    def sources(self, manifest: Manifest) -> bytes:
        """The archive of the files that the version was made of."""
        return self.fetch(manifest.sources_key)

    def fetch(self, key: str) -> bytes:
        """What is under `key` in the first bucket that has it.

        Raises TcError ``package-gone`` when none has, ``bad-object`` when it isn't what the key,
        which ends in its SHA-256, says.
        """
        for place in self._places():
            body = place.bucket.read(key)
            if body is None:
                continue
            if hashlib.sha256(body).hexdigest() != Path(key).name.partition(".")[0]:
                raise TcError(
                    "what is there isn't what its name says: it was changed since",
                    code="bad-object",
                    where=place.bucket.uri(key),
                    hint="delete the object, and the manifest of the version beside it; then "
                    "`tc deploy` makes both anew from the tag",
                )
            return body
        names = ", ".join(place.bucket.name for place in self._places())
        raise TcError(
            f"{key} is no longer in {names}",
            code="package-gone",
            where=self.here.uri(key),
            hint="deploy another version, or delete the manifest of this one and deploy it from "
            "its tag",
        )

    def _key(self, namespace: str, version: str) -> str:
        return manifest_key(namespace, version, local=self._here.aws.local)

    def _truth(self) -> Shelf:
        return self._places()[1] if self._has_central else self._here

    def _places(self) -> list[Shelf]:
        """Every place, the target's first."""
        if self._makers and not self._made:
            self._made = [make() for make in self._makers]
        return [self._here, *self._made]


def _put(bucket: Bucket, key: str, content: Content) -> None:
    if isinstance(content, Path):
        bucket.put(key, content)
    elif not bucket.has(key):
        bucket.put(key, content(), again=True)


def keys_of(manifest: Manifest) -> list[str]:
    """What a version needs besides its manifest, each once."""
    packages = (one.artifact.key for one in manifest.functions.values())
    bodies = (key_of(part.sha256) for one in manifest.layers.values() for part in one.parts)
    return list(dict.fromkeys([manifest.sources_key, *packages, *bodies]))


def refuse_other(there: Manifest, sha: str) -> None:
    """Raises TcError ``version-taken`` when the version that is there was made of another commit
    than `sha`."""
    if there.sha != sha:
        raise TcError(
            f"{there.namespace} {there.version} was published from {there.short} by {there.by}, "
            f"{there.at}, and its tag is at {sha[:7]} now",
            code="version-taken",
            where=there.tag,
            hint=f"a version never changes: give {sha[:7]} a new one, tc tag --service "
            f"{there.namespace} --next patch",
        )


def _read(bucket: Bucket, key: str) -> Manifest | None:
    body = bucket.read(key)
    return manifest_of(body, bucket.uri(key)) if body is not None else None


def _ensure(bucket: Bucket, emit: Emit) -> None:
    if bucket.ensure():
        emit(Event("bucket.made", f"Created bucket {bucket.name}", {"bucket": bucket.name}))
