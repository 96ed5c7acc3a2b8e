"""What a version consists of: every package and layer by its bytes, and the files it is made of.

A manifest is written once for each version, and never again with something else in it. Together
with what it names, all kept in the artifact bucket by content, it is enough to deploy the version
anywhere: nothing is built for that, and no git is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tc.errors import TcError
from tc.spec.artifact import Artifact
from tc.spec.layer import BuiltLayer, LayerPart, Platform

#: of the layout of manifests; what is newer can't be read
FORMAT = 1


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Package(_Written):
    """The package of a function, as `tc.spec.artifact.Artifact` says."""

    sha256: str
    digest: str
    size: int
    unpacked: int
    stored: bool
    files: int

    @staticmethod
    def of(artifact: Artifact) -> Package:
        return Package(
            sha256=artifact.sha256,
            digest=artifact.digest,
            size=artifact.size,
            unpacked=artifact.unpacked,
            stored=artifact.stored,
            files=artifact.files,
        )

    @property
    def artifact(self) -> Artifact:
        """The package as Lambda gets it: from the artifact bucket."""
        return Artifact(Path(), **self.model_dump(), in_bucket=True)


class Body(_Written):
    """A part of a layer: `sha256` is base64, as Lambda's CodeSha256; sizes in bytes."""

    sha256: str
    size: int
    unpacked: int


class Layer(_Written):
    """A layer of the version: `digest` (hex) is of what it was built of."""

    owner: str
    digest: str
    runtime: str
    arch: str
    parts: tuple[Body, ...]

    @staticmethod
    def of(layer: BuiltLayer) -> Layer:
        return Layer(
            owner=layer.owner,
            digest=layer.digest,
            runtime=layer.platform.runtime,
            arch=layer.platform.arch,
            parts=tuple(
                Body(sha256=part.sha256, size=part.size, unpacked=part.unpacked)
                for part in layer.parts
            ),
        )

    def built(self, name: str) -> BuiltLayer:
        """The layer as if it had been built; its bodies are in the artifact bucket."""
        arch: Any = self.arch
        parts = (LayerPart(Path(), one.sha256, one.size, one.unpacked) for one in self.parts)
        platform = Platform(self.runtime, arch)
        return BuiltLayer(name, self.owner, self.digest, platform, tuple(parts), cached=True)


class Manifest(_Written):
    """A version of a topology.

    `sha` is the commit, `sources` (hex) the SHA-256 of the archive of the files that it was made
    of, `directory` where its topology is in that. `functions` and `images` (addresses with their
    digests) are by ``{namespace}/{function}``, `layers` by their names, `flows` are the digests
    of definitions. `topology` is everything that is deployed, with templates for what differs
    from env to env and without any fetched value. `local` tells that it was built for this
    machine's interpreters. `at` is a time in UTC (ISO 8601).
    """

    format: int = FORMAT
    namespace: str
    version: str
    tag: str
    sha: str
    repo: str
    directory: str
    sources: str
    local: bool = False
    functions: dict[str, Package] = {}
    layers: dict[str, Layer] = {}
    images: dict[str, str] = {}
    flows: dict[str, str] = {}
    topology: list[dict[str, Any]] = []
    by: str = ""
    at: str = ""
    tc_version: str = ""

    @property
    def key(self) -> str:
        return manifest_key(self.namespace, self.version, local=self.local)

    @property
    def sources_key(self) -> str:
        return f"sources/{self.sources}.tar.gz"

    @property
    def short(self) -> str:
        """The commit, as people read it."""
        return self.sha[:7]

    def text(self) -> str:
        """The manifest as it is kept."""
        return self.model_dump_json(indent=2) + "\n"


def manifest_key(namespace: str, version: str, *, local: bool = False) -> str:
    """Where the manifest of a version is in the artifact bucket; one that was built for this
    machine is another."""
    return f"manifests/{namespace}/{'local/' if local else ''}{version}.json"


def manifest_of(text: bytes, where: str) -> Manifest:
    """The manifest that stands in `text`, which was read at `where`.

    Raises TcError ``bad-manifest`` when it is none, or one of a later tc.
    """
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"])
        why = f"{place}: {first['msg'].lower()}" if place else first["msg"].lower()
        raise TcError(
            f"what is there is no manifest of a version ({why})",
            code="bad-manifest",
            where=where,
            hint="delete the object: the next `tc deploy` of this version writes it anew",
        ) from None
    if found.format > FORMAT:
        raise TcError(
            f"the manifest has format {found.format}, and this tc reads {FORMAT}",
            code="bad-manifest",
            where=where,
            hint="update tc",
        )
    return found
