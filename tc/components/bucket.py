"""S3 buckets: private, and telling EventBridge of their objects where somebody listens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from tc.components import defaults
from tc.components.bucket_settings import SETTINGS, asked
from tc.components.page_model import is_page_bucket
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.producers import notifying
from tc.compose.things import JOB_SCRIPTS, bucket_arn, bucket_name
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import AsWritten, Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

Days = Annotated[int, Field(ge=1)]


class LifecycleModel(Strict):
    """`buckets.X.lifecycle`: what goes by itself, and when."""

    prefix: str = Field("", description="only objects whose key starts so")
    expire: Days | None = Field(None, description="days after which an object goes")
    expire_versions: Days | None = Field(
        None, description="days after which an object that was replaced goes"
    )
    abort_uploads: Days | None = Field(
        None, description="days after which the parts of an unfinished upload go"
    )


class CorsModel(Strict):
    """`buckets.X.cors`: which web pages may use the objects."""

    origins: list[str] = Field(["*"], description="`https://example.com`; `*`")
    methods: list[Literal["GET", "PUT", "POST", "DELETE", "HEAD"]] = Field(
        ["GET"], description="GET"
    )
    headers: list[str] = Field(["*"], description="headers that a page may send; `*`")
    expose: list[str] = Field([], description="headers that a page may read")
    max_age: Annotated[int, Field(ge=0)] | None = Field(
        None, description="seconds that a browser may keep this"
    )


class BucketModel(Entity):
    """`buckets.X`: a bucket, and what gets told of its objects."""

    function: str | None = Field(None, description="the function that gets told")
    functions: list[str] | None = Field(None, description="several functions, all at once")
    state: str | None = Field(None, description="`flow`: the flow that is started")
    queue: str | None = Field(None, description="the queue that gets told")
    events: list[Literal["created", "deleted", "restored"]] = Field(
        ["created"], description="what is told: created, deleted, restored; created"
    )
    prefix: str | None = Field(None, description="only of objects whose key starts so")
    suffix: str | None = Field(None, description="only of objects whose key ends so")
    versioning: bool = Field(False, description="replaced and deleted objects are kept")
    encryption: AsWritten | None = Field(
        None, description="ARN of the KMS key instead of S3's own key"
    )
    lifecycle: list[LifecycleModel] = Field([], description="what goes by itself")
    cors: CorsModel | None = Field(None, description="which web pages may use the objects")


KIND = "bucket"
PLURAL = "buckets"
SECTION: tuple[str, type[Strict]] | None = ("buckets", BucketModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+\Z")
#: targets of a rule (EventBridge quota)
_TARGETS_LIMIT = 5
#: objects that one call deletes
_BATCH = 1000
_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def _model(entry: Entry) -> BucketModel:
    assert isinstance(entry.model, BucketModel)
    return entry.model


def _holds(aws: Aws, actual: Actual) -> str:
    """Counts a page of objects; versions and marks of deletion are data too."""
    with defaults.if_there():
        page = aws.call("s3", "list_object_versions", Bucket=actual.name)
        objects = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        count = sum(not found["Key"].startswith(JOB_SCRIPTS) for found in objects)
        more = "over " if page.get("IsTruncated") else ""
        return f"{more}{count:,} object{'s' if count != 1 else ''}" if count else ""
    return ""


TRAITS = Traits(
    switch="beside",
    gives=frozenset({"notifies"}),
    addresses={
        "name": lambda topology, name: bucket_name(topology.scope, name),
        "arn": lambda topology, name: bucket_arn(topology.scope, name),
    },
    holds=_holds,
)


# what AWS would refuse


def check(topology: Topology) -> Iterator[Finding]:
    for entry in topology.entries.get("buckets", {}).values():
        model = _model(entry)
        if not _NAME.match(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` can't name a bucket: letters, digits, `-` and `_` only",
                entry.address,
                at="key",
            )
        if model.encryption and not _KEY_ARN.match(model.encryption):
            yield Finding(
                "invalid-value",
                f"`{model.encryption}` is no ARN of a KMS key",
                entry.address / "encryption",
                "without `encryption`, S3 encrypts with its own key",
            )
        if len(entry.targets) > _TARGETS_LIMIT:
            yield Finding(
                "too-many-targets",
                f"the bucket `{entry.name}` has {len(entry.targets)} targets; "
                f"a rule takes {_TARGETS_LIMIT}",
                entry.address,
                at="key",
            )
        yield from _check_filters(entry, model)
        for place, rule in enumerate(model.lifecycle):
            if not rule.model_fields_set - {"prefix"}:
                yield Finding(
                    "invalid-value",
                    "a rule says after how many days what goes",
                    entry.address / "lifecycle" / place,
                    "`expire: 30`, `expire_versions: 30` or `abort_uploads: 7`",
                )


def _check_filters(entry: Entry, model: BucketModel) -> Iterator[Finding]:
    if entry.targets or model.targets():
        return
    for key in ("prefix", "suffix", "events"):
        if key in model.model_fields_set:
            yield Finding(
                "no-target",
                f"`{key}` says of which objects to tell, and the bucket `{entry.name}` "
                "tells nobody",
                entry.address / key,
                "name a `function`, `queue` or `state`",
                at="key",
            )


# what should be


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    told = notifying(topology.entries, scope.sandbox)
    for entry in topology.entries.get("buckets", {}).values():
        model = _model(entry)
        name = bucket_name(scope, entry.name)
        settings = {
            "versioning": model.versioning,
            "encryption": model.encryption or "",
            "lifecycle": [_lifecycle(rule) for rule in model.lifecycle],
            "cors": _cors(model.cors) if model.cors else {},
            "notifies": entry.name in told,
        }
        given = {setting for setting, value in settings.items() if value}
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{name}",
            name=name,
            title=entry.name,
            owner=scope.owner,
            props={"private": True, **settings, "tags": dict(scope.tags)},
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            address=entry.address,
            payload={"tags": {**scope.marks, **defaults.has_tag(given)}},
        )


def _lifecycle(rule: LifecycleModel) -> dict[str, Any]:
    return {
        "prefix": rule.prefix,
        "expire": rule.expire,
        "expire_versions": rule.expire_versions,
        "abort_uploads": rule.abort_uploads,
    }


def _cors(model: CorsModel) -> dict[str, Any]:
    return {
        "origins": model.origins,
        "methods": list(model.methods),
        "headers": model.headers,
        "expose": model.expose,
        "max_age": model.max_age,
    }


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """By the mark, and by name: which of the names that begin as ours do are ours, their
    hash tells."""
    prefix, end = f"{scope.namespace}-", f"-{scope.sandbox}"
    tagged = [arn.rpartition(":")[2] for arn in index.tagged if ":s3:::" in arn]
    names = {name: "" for name in tagged if not is_page_bucket(name)}
    for bucket in aws.pages("s3", "list_buckets", "Buckets", Prefix=prefix):
        name = bucket["Name"]
        title = name.rpartition("-")[0].removeprefix(prefix).removesuffix(end)
        if name == bucket_name(scope, title):
            names[name] = title
    for name, title in sorted(names.items()):
        yield Resource(KIND, f"{KIND}/{name}", name, title or name, scope.owner, {})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    """Two reads, and one more for each setting that the bucket has or should have."""
    name = resource.name
    try:
        tags = _tags(aws, name)
    except AwsError as error:
        if error.missing:
            return None
        raise
    given = defaults.has(tags) | {key for key in SETTINGS if resource.props.get(key)}
    blocked = asked(aws, "get_public_access_block", name)
    props: dict[str, Any] = {
        "private": blocked.get("PublicAccessBlockConfiguration") == _BLOCKED,
        **{key: setting.unset for key, setting in SETTINGS.items()},
        **{key: SETTINGS[key].read(aws, name) for key in sorted(given) if key in SETTINGS},
        "tags": defaults.without_has(own_tags(tags)),
    }
    return Actual(
        kind=KIND,
        key=resource.key,
        name=name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props=props,
        outputs={"arn": f"arn:{aws.partition}:s3:::{name}", "name": name},
        info={"version": tags.get("version", "")},
    )


def _tags(aws: Aws, name: str) -> dict[str, str]:
    found = asked(aws, "get_bucket_tagging", name).get("TagSet", [])
    return {tag["Key"]: tag["Value"] for tag in found}


# what to do


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    place: dict[str, Any] = {"Tags": defaults.tag_list(resource.payload["tags"])}
    if aws.region != _NO_CONSTRAINT:
        place["LocationConstraint"] = aws.region
    aws.call("s3", "create_bucket", Bucket=resource.name, CreateBucketConfiguration=place)
    _block(aws, resource.name)
    for key, setting in SETTINGS.items():
        if resource.props[key]:
            setting.put(aws, resource.name, resource.props[key])
    return {"arn": f"arn:{aws.partition}:s3:::{resource.name}", "name": resource.name}


#: the region that S3 doesn't want named
_NO_CONSTRAINT = "us-east-1"


def _block(aws: Aws, name: str) -> None:
    aws.call(
        "s3",
        "put_public_access_block",
        Bucket=name,
        PublicAccessBlockConfiguration=_BLOCKED,
    )


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if "private" in changed:
        _block(aws, resource.name)
    has_before = {key for key in SETTINGS if actual.props[key]}
    has_after = {key for key in SETTINGS if resource.props[key]}
    if changed & {"tags", "owner"} or has_before != has_after:
        # before the settings: what is interrupted is read again because of the tag
        _retag(aws, resource, actual, has_before | has_after)
    for key in sorted(changed & SETTINGS.keys()):
        SETTINGS[key].put(aws, resource.name, resource.props[key])
    return actual.outputs


def _retag(aws: Aws, resource: Resource, actual: Actual, settings: Iterable[str]) -> None:
    """PutBucketTagging writes all tags at once: those that aren't ours are kept."""
    live = _tags(aws, resource.name)
    kept = {key: value for key, value in live.items() if key not in actual.props["tags"]}
    tags = {**kept, **resource.payload["tags"], **defaults.has_tag(settings)}
    aws.call(
        "s3",
        "put_bucket_tagging",
        Bucket=resource.name,
        Tagging={"TagSet": defaults.tag_list(tags)},
    )


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        if actual.outputs.get("purge") == "true":
            _empty(aws, actual.name)
        aws.call("s3", "delete_bucket", Bucket=actual.name)


def _empty(aws: Aws, name: str) -> None:
    """Deletes every version of every object, a page at a time."""
    while True:
        page = aws.call("s3", "list_object_versions", Bucket=name, MaxKeys=_BATCH)
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            return
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        answer = aws.call(
            "s3", "delete_objects", Bucket=name, Delete={"Objects": objects, "Quiet": True}
        )
        if answer.get("Errors"):
            first = answer["Errors"][0]
            raise TcError(
                f"S3 kept {first.get('Key')}: {first.get('Message')}", code="aws", where=name
            )
