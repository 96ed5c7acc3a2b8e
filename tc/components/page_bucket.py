"""The buckets that pages have of their own: private, and with nothing that isn't served.

They hold no data: what is in them is built again. So they go without `--purge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tc.components import bucket, defaults
from tc.components.bucket_settings import SETTINGS
from tc.components.page_model import (
    Place,
    deployed,
    is_page_bucket,
    model_of,
    place,
    title_of,
)
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Topology

KIND = "page bucket"
PLURAL = "page-buckets"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", comes_with=frozenset({"page"}))
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_PLAIN = {name: setting.unset for name, setting in SETTINGS.items()}


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in deployed(topology):
        if model_of(entry).bucket is None:
            name = place(topology, entry).bucket
            yield Resource(
                kind=KIND,
                key=f"{KIND}/{name}",
                name=name,
                title=entry.name,
                owner=scope.owner,
                props={"private": True, "tags": dict(scope.tags)},
                selectors=frozenset({PLURAL, "pages", f"pages/{entry.name}"}),
                address=entry.address,
                payload={"tags": scope.marks},
            )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    prefix, end = f"{scope.namespace}-", f"-{scope.sandbox}"
    names = {arn.rpartition(":")[2] for arn in index.tagged if ":s3:::" in arn}
    for found in aws.pages("s3", "list_buckets", "Buckets", Prefix=prefix):
        if found["Name"].rpartition("-")[0].endswith(end):
            names.add(found["Name"])
    for name in sorted(filter(is_page_bucket, names)):
        title = title_of(scope, Place(name))
        yield Resource(KIND, f"{KIND}/{name}", name, title, scope.owner, {})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [
        replace(
            actual,
            kind=KIND,
            key=f"{KIND}/{actual.name}",
            props={"private": actual.props["private"], "tags": actual.props["tags"]},
        )
        for actual in bucket.read(aws, resources)
    ]


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    return bucket.create(aws, _as_bucket(resource), children)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    live = replace(actual, props={**_PLAIN, **actual.props})
    return bucket.update(aws, _as_bucket(resource), live, changes, children)


def _as_bucket(resource: Resource) -> Resource:
    return replace(resource, props={**_PLAIN, **resource.props})


def delete(aws: Aws, actual: Actual) -> None:
    bucket.delete(aws, replace(actual, outputs={**actual.outputs, "purge": "true"}))
