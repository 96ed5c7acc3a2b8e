"""What `pages.X` of topology.yml may say, and where the page lives on AWS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from tc.compose.things import bucket_name
from tc.records import dataclass
from tc.spec.base import Entity, Strict
from tc.spec.scope import Scope
from tc.spec.site import SiteSource
from tc.spec.topology import Entry, Topology


class EdgeModel(Strict):
    """`pages.X.functions`: CloudFront Functions, JavaScript files below the page's `dir`."""

    request: str | None = Field(None, description="runs with each request")
    response: str | None = Field(None, description="runs with each answer")


class PageModel(Entity):
    """`pages.X`: a site in a private bucket, served by CloudFront."""

    kind: Literal["SPA", "PWA", "Static"] = Field(
        "SPA", description="SPA and PWA answer unknown paths with index.html; SPA"
    )
    dir: str | None = Field(None, description="the site's directory; one of the page's name")
    dist: str | None = Field(
        None, description="what is served, below `dir`; `dist` with `build`, else all of `dir`"
    )
    build: list[str] | str = Field([], description="commands that make `dist`")
    domains: dict[str, str] = Field({}, description="sandbox: its host name")
    paths: list[str] = Field(["/"], description="paths that it is served below; `/`")
    bucket: str | None = Field(
        None, description="an existing bucket, or one of the topology; one of its own"
    )
    skip_deploy: bool = Field(False, description="documented, not deployed")
    config_template: str | None = Field(
        None, description="dotenv template below `dir`, filled before `build`"
    )
    functions: EdgeModel | None = Field(None, description="CloudFront Functions")
    headers: dict[str, str] = Field(
        {}, description="headers of every answer, besides AWS's own set for security"
    )

    def deployed(self, _: str, /) -> bool:
        return not self.skip_deploy


@dataclass(frozen=True, slots=True)
class Place:
    """The bucket of a page, and below which prefix of it (``a/b/``) its files are.

    `sid` is the id of the statement by which CloudFront may read it.
    """

    bucket: str
    prefix: str = ""
    sid: str = "tcPage"

    @property
    def name(self) -> str:
        """Where the page is: unique among all pages of the account."""
        return f"{self.bucket}/{self.prefix.strip('/')}" if self.prefix else self.bucket


#: characters of a bucket's name; the last ones are `p` and a hash, so that a page's bucket
#: is told from one of `buckets`, which ends in hexadecimal digits alone
_BUCKET_LIMIT = 63
_HASH = 7
_OWN_BUCKET = re.compile(r"-p[0-9a-f]{7}\Z")


def model_of(entry: Entry) -> PageModel:
    assert isinstance(entry.model, PageModel)
    return entry.model


def deployed(topology: Topology) -> Iterator[Entry]:
    """The pages that this sandbox has."""
    for entry in topology.entries.get("pages", {}).values():
        if model_of(entry).deployed(topology.scope.sandbox):
            yield entry


def own_bucket(scope: Scope, name: str) -> str:
    """The name of the bucket that tc makes for the page `name`."""
    parts = (scope.namespace, name, scope.sandbox, scope.account, scope.region)
    if any("{{" in part for part in parts):
        return f"{scope.namespace}-{name}-{scope.sandbox}-{{{{hash}}}}"
    digest = hashlib.sha256("\0".join(("page", *parts)).encode()).hexdigest()[:_HASH]
    readable = "-".join(parts[:3]).lower().replace("_", "-")
    return f"{readable[: _BUCKET_LIMIT - _HASH - 2].rstrip('-')}-p{digest}"


def is_page_bucket(bucket: str) -> bool:
    """Whether the name is one of `own_bucket`."""
    return bool(_OWN_BUCKET.search(bucket))


def place(topology: Topology, entry: Entry) -> Place:
    scope, written = topology.scope, model_of(entry).bucket
    if written is None:
        return Place(own_bucket(scope, entry.name))
    known = topology.entries.get("buckets", {})
    bucket = bucket_name(scope, written) if written in known else written
    return place_at(bucket, f"{scope.namespace}/{entry.name}/{scope.sandbox}/")


def place_at(bucket: str, prefix: str) -> Place:
    if not prefix:
        return Place(bucket)
    return Place(bucket, prefix, f"tcPage{hashlib.sha256(prefix.encode()).hexdigest()[:12]}")


def title_of(scope: Scope, where: Place) -> str:
    """What the page of a live place is called, as far as that can be read from it."""
    if where.prefix:
        return where.prefix.strip("/").removeprefix(f"{scope.namespace}/").rpartition("/")[0]
    readable = where.bucket.rpartition("-")[0].removeprefix(f"{scope.namespace}-")
    return readable.removesuffix(f"-{scope.sandbox}")


def bases(entry: Entry) -> list[str]:
    """The paths that the page is served below, without slashes at their ends."""
    return [path.strip("/") for path in model_of(entry).paths] or [""]


def below(base: str, path: str) -> str:
    return f"{base}/{path}" if base else path


def domain(topology: Topology, entry: Entry) -> str:
    """The host name of the page in this sandbox, empty for none."""
    return model_of(entry).domains.get(topology.scope.sandbox, "")


def source(topology: Topology, entry: Entry) -> SiteSource:
    """Where the page's files are."""
    model = model_of(entry)
    build = (model.build,) if isinstance(model.build, str) else tuple(model.build)
    edge = model.functions or EdgeModel()
    written = {"request": edge.request, "response": edge.response}
    return SiteSource(
        name=entry.name,
        dir=_directory(topology, entry),
        dist=model.dist or ("dist" if build else "."),
        build=build,
        template=model.config_template or "",
        functions={when: file for when, file in written.items() if file},
    )


def _directory(topology: Topology, entry: Entry) -> Path:
    return topology.address.file.parent / (model_of(entry).dir or entry.name)
