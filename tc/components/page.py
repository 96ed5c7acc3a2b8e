"""Pages: the files of a site in their bucket, and CloudFront told which of them changed.

S3 calls the MD5 of an object its ETag, so that one listing tells what differs.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tc.components import defaults, page_headers
from tc.components.page_files import cache_control, content_type
from tc.components.page_model import (
    PageModel,
    Place,
    bases,
    below,
    deployed,
    domain,
    is_page_bucket,
    model_of,
    place,
    place_at,
)
from tc.components.page_policy import let_nobody_read, let_read, read_policy, reader
from tc.components.page_values import value_of, with_keys
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.site import Site, SiteFile
from tc.spec.topology import Entry, Topology

KIND = "page"
PLURAL = "pages"
SECTION: tuple[str, type[Strict]] | None = (PLURAL, PageModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
settle = defaults.ready_at_once

#: paths of an invalidation above which all of the site is one: 1,000 a month are free
#: ("Pay for file invalidation"), and ``/*`` counts as one
_PATHS = 15
#: objects that one call deletes
_BATCH = 1000
#: an empty object that is there from before the first file is changed until CloudFront knows:
#: what was interrupted in between, or refused, is seen by the next plan
_MARK = ".tc-stale"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")
_PATH = re.compile(r"/?[A-Za-z0-9._~/-]*\Z")


def page_key(where: Place) -> str:
    return f"{KIND}/{where.name}"


def distribution_key(where: Place) -> str:
    return f"distribution/{where.name}"


def _url(topology: Topology, name: str) -> Ref:
    entry = topology.entries[PLURAL][name]
    return Ref(distribution_key(place(topology, entry)), "url")


TRAITS = Traits(
    switch="entry",
    addresses={
        "url": _url,
        "bucket": lambda topology, name: place(topology, topology.entries[PLURAL][name]).bucket,
    },
)


# what AWS would refuse


def check(topology: Topology) -> Iterator[Finding]:
    yield from defaults.check_names(topology, PLURAL, _NAME)
    entries = list(topology.entries.get(PLURAL, {}).values())
    hosts = Counter(domain(topology, entry) for entry in entries)
    for entry in entries:
        model = model_of(entry)
        for sandbox, host in model.domains.items():
            if not _HOST.match(host):
                message = f"`{host}` is no host name"
                yield Finding("bad-name", message, entry.address / "domains" / sandbox)
        host = domain(topology, entry)
        if host and hosts[host] > 1:
            message = f"two pages are to answer at `{host}`"
            address = entry.address / "domains" / topology.scope.sandbox
            yield Finding("duplicate-name", message, address, "give each its own")
        for index, path in enumerate(model.paths):
            if not _PATH.match(path) or ".." in path:
                message = f"`{path}` is no path that CloudFront takes"
                yield Finding("bad-path", message, entry.address / "paths" / index)
        yield from page_headers.check(model.headers, entry.address / "headers")
        if model.config_template and not model.build:
            message = "`config_template` is read by `build`, and there is none"
            yield Finding("missing-key", message, entry.address / "config_template", at="key")


# what should be


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    for entry in deployed(topology):
        where = place(topology, entry)
        site = facts.sites.get(page_key(where))
        needs = [distribution_key(where)]
        if model_of(entry).bucket is None:
            needs.append(f"page bucket/{where.bucket}")
        elif model_of(entry).bucket in topology.entries.get("buckets", {}):
            needs.append(f"bucket/{where.bucket}")
        payload: dict[str, Any] = {"place": where, "site": site, "bases": bases(entry)}
        yield Resource(
            kind=KIND,
            key=page_key(where),
            name=where.name,
            title=entry.name,
            owner=topology.scope.owner,
            props={
                "reader": Ref(distribution_key(where), "arn"),
                "invalidated": True,
                **_content(topology, entry, site),
            },
            needs=tuple(needs),
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            address=entry.address,
            detail=_detail(site),
            payload=payload,
        )


def _content(topology: Topology, entry: Entry, site: Site | None) -> dict[str, Any]:
    """``files``: what should be in the bucket. While the values that the build needs aren't
    known, these instead, as ``config``: then the site is built when they are."""
    if site is None:
        return {}
    if site.files is not None:
        return {"files": {key: file.md5 for key, file in _keyed(bases(entry), site.files).items()}}
    return {"config": {name: value_of(topology, name) for name in site.names}}


def _keyed(under: Iterable[str], files: Mapping[str, SiteFile]) -> dict[str, SiteFile]:
    """The files by the ends of their keys, below each path that the page is served at."""
    return {below(base, path): file for base in under for path, file in sorted(files.items())}


def _detail(site: Site | None) -> str:
    if site is None or site.files is None:
        return ""
    count, size = len(site.files), sum(file.size for file in site.files.values())
    amount = f"{size:,} B" if size < 1024 else f"{size / 1024:,.1f} KB"
    return f"{count:,} file{'s' if count != 1 else ''}, {amount}"


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    """Buckets and distributions tell of them, see `trace`."""
    return ()


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """One stand-in for each live bucket of a page, and for each distribution."""
    for actual in actuals:
        if actual.kind in ("page bucket", "distribution"):
            told = actual.outputs
            where = (
                Place(actual.name)
                if actual.kind == "page bucket"
                else place_at(told["bucket"], told["prefix"])
            )
            yield Resource(
                KIND,
                page_key(where),
                where.name,
                actual.title,
                actual.owner,
                {},
                payload={"place": where},
            )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    where: Place = resource.payload["place"]
    policy = read_policy(aws, where.bucket)
    if policy is None:
        return None
    listed = aws.pages(
        "s3", "list_objects_v2", "Contents", Bucket=where.bucket, Prefix=where.prefix
    )
    files = {one["Key"].removeprefix(where.prefix): one["ETag"].strip('"') for one in listed}
    invalidated = files.pop(_MARK, None) is None
    allowed = reader(policy, where)
    if not files and not allowed:
        return None
    own = is_page_bucket(where.bucket)
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        # what is in a bucket belongs to its owner, a prefix of the sandbox's name to the sandbox
        owner=resource.owner,
        props={"reader": allowed, "files": files, "invalidated": invalidated},
        outputs={
            "distribution": allowed.rpartition("/")[2],
            "bucket": where.bucket,
            "prefix": where.prefix,
            "sid": where.sid,
        },
        needs=(distribution_key(where), *([f"page bucket/{where.bucket}"] if own else [])),
    )


# what to do


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    return _put(aws, resource, {"reader": "", "files": {}, "invalidated": True})


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    return _put(aws, resource, actual.props)


def _put(aws: Aws, resource: Resource, before: Mapping[str, Any]) -> Outputs:
    """New files first, so that what names them finds them, then the pages; what is gone goes
    last, when nothing names it any more."""
    where: Place = resource.payload["place"]
    files, live = _files(aws, resource), before["files"]
    changed = [path for path, file in files.items() if live.get(path) != file.md5]
    gone = sorted(set(live) - set(files))
    stale = sorted(path for path in [*changed, *gone] if path in live)
    if stale and before["invalidated"]:
        _mark(aws, where)
    for pages in (False, True):
        now = [path for path in changed if path.endswith((".html", ".htm")) is pages]
        aws.map(lambda path: _upload(aws, where, path, files[path]), now)
    if before["reader"] != resource.props["reader"]:
        let_read(aws, where, resource.props["reader"])
    _remove(aws, where, gone)
    distribution = str(resource.props["reader"]).rpartition("/")[2]
    if stale or not before["invalidated"]:
        paths = _known_as(stale, resource.payload["bases"]) if before["invalidated"] else ["/*"]
        _invalidate(aws, distribution, paths)
        _remove(aws, where, [_MARK])
    return {"distribution": distribution, "bucket": where.bucket}


def _mark(aws: Aws, where: Place) -> None:
    key = where.prefix + _MARK
    aws.call("s3", "put_object", Bucket=where.bucket, Key=key, Body=b"", CacheControl="no-store")


def _files(aws: Aws, resource: Resource) -> dict[str, SiteFile]:
    site: Site | None = resource.payload["site"]
    assert site is not None
    files = site.files
    if files is None:
        told = {name: str(value) for name, value in resource.props["config"].items()}
        values = with_keys(aws, resource.owner, told)
        if values is None:
            raise TcError(
                "an API that the page's template names the key of has none of tc's",
                code="aws",
                where=f"page {resource.title}",
                hint="run the command again: it makes one",
            )
        files = site.build(values)
    return _keyed(resource.payload["bases"], files)


def _upload(aws: Aws, where: Place, path: str, file: SiteFile) -> None:
    aws.call(
        "s3",
        "put_object",
        Bucket=where.bucket,
        Key=where.prefix + path,
        Body=file.path.read_bytes(),
        ContentType=content_type(path),
        CacheControl=cache_control(path),
    )


def _remove(aws: Aws, where: Place, paths: Sequence[str]) -> None:
    for start in range(0, len(paths), _BATCH):
        objects = [{"Key": where.prefix + path} for path in paths[start : start + _BATCH]]
        answer = aws.call(
            "s3", "delete_objects", Bucket=where.bucket, Delete={"Objects": objects, "Quiet": True}
        )
        if answer.get("Errors"):
            first = answer["Errors"][0]
            raise TcError(
                f"S3 kept {first.get('Key')}: {first.get('Message')}",
                code="aws",
                where=where.bucket,
            )


def _known_as(files: Sequence[str], under: Sequence[str]) -> list[str]:
    """The paths that CloudFront knows `files` by: a page that is its directory's has two."""
    wanted = [f"/{quote(path)}" for path in files]
    roots = {below(base, "index.html"): f"/{base}/" if base else "/" for base in under}
    wanted += [quote(roots[path]) for path in files if path in roots]
    return wanted if len(wanted) <= _PATHS else ["/*"]


def _invalidate(aws: Aws, distribution: str, paths: Sequence[str]) -> None:
    """Makes CloudFront forget `paths`."""
    try:
        aws.call(
            "cloudfront",
            "create_invalidation",
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": list(paths)},
                "CallerReference": f"tc-{time.time_ns()}",
            },
        )
    except AwsError as error:
        raise AwsError(
            f"the files are there, but CloudFront keeps the old ones: {error.message}",
            aws_code=error.aws_code,
            operation=error.operation,
            status=error.status,
            hint="run the command again: it tells CloudFront",
        ) from error


def delete(aws: Aws, actual: Actual) -> None:
    told = actual.outputs
    where = Place(told["bucket"], told["prefix"], told["sid"])
    with defaults.if_there():
        mark = [] if actual.props["invalidated"] else [_MARK]
        _remove(aws, where, [*sorted(actual.props["files"]), *mark])
        let_nobody_read(aws, where)
