"""CloudFront distributions: what serves a page, and alone may read its bucket.

AWS gives a distribution its id. It is found by its mark, or by the policy of the page's
bucket, which names it, and where that says nothing by its comment. A change takes CloudFront
minutes to bring everywhere; tc waits for that at the end, and may be interrupted and run again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, page_edge, page_headers
from tc.components.distribution_config import (
    control_of,
    functions_of,
    headers_of,
    new_config,
    props_of,
    written,
)
from tc.components.page import distribution_key
from tc.components.page_model import (
    Place,
    bases,
    below,
    deployed,
    domain,
    is_page_bucket,
    model_of,
    place,
    place_at,
    title_of,
)
from tc.components.page_policy import read_policy, reader
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.names import shorten
from tc.spec.scope import OWNER_TAG, Scope, dns_suffix, own_tags
from tc.spec.topology import Entry, Topology

KIND = "distribution"
PLURAL = "distributions"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()


def _pointed_at(resource: Resource, actuals: Sequence[Actual]) -> list[str]:
    """The id that a page's bucket lets in."""
    pages = [a for a in actuals if a.kind == "page" and resource.key in a.needs]
    return [page.outputs["distribution"] for page in pages if page.outputs["distribution"]]


TRAITS = Traits(switch="container", comes_with=frozenset({"page"}), pointed_at=_pointed_at)
check = defaults.nothing_to_check

#: seconds; CloudFront takes up to a quarter of an hour, rarely more
_DEADLINE = 2400.0
#: the region whose index of tags has what CloudFront has
_HOME = "us-east-1"
#: characters of the name of an origin access control
_NAME_LIMIT = 64


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in deployed(topology):
        where = place(topology, entry)
        site = facts.sites.get(f"page/{where.name}")
        props: dict[str, Any] = {
            "enabled": True,
            "origin": _origin(scope, where),
            "root": below(bases(entry)[0], "index.html"),
            "errors": _errors(entry),
            "headers": page_headers.canonical(model_of(entry).headers),
            "tags": dict(scope.tags),
        }
        if site:
            host = domain(topology, entry)
            codes = {when: page_edge.digest(code) for when, code in site.functions.items()}
            props["domains"] = [host] if host else []
            props["certificate"] = site.certificate
            props["functions"] = codes
        own = model_of(entry).bucket is None
        yield Resource(
            kind=KIND,
            key=distribution_key(where),
            name=where.name,
            title=entry.name,
            owner=scope.owner,
            props=props,
            needs=(f"page bucket/{where.bucket}",) if own else (),
            selectors=frozenset({PLURAL, "pages", f"pages/{entry.name}"}),
            address=entry.address,
            payload={
                "place": where,
                "tags": scope.marks,
                "base": f"{scope.namespace}_{entry.name}_{scope.sandbox}",
                "codes": dict(site.functions) if site else {},
            },
        )


def _origin(scope: Scope, where: Place) -> dict[str, str]:
    path = f"/{where.prefix.strip('/')}" if where.prefix else ""
    host = f"{where.bucket}.s3.{scope.region}.{dns_suffix(scope.partition)}"
    return {"domain": host, "path": path}


def _errors(entry: Entry) -> dict[str, dict[str, str]]:
    """S3 says 403 of what isn't there, since CloudFront may not list the bucket."""
    base = bases(entry)[0]
    if model_of(entry).kind == "Static":
        return {"403": {"page": f"/{below(base, '404.html')}", "status": "404"}}
    answer = {"page": f"/{below(base, 'index.html')}", "status": "200"}
    return {"403": answer, "404": answer}


def _comment(owner: str) -> str:
    """The mark of what can't be tagged, and by which a distribution is found."""
    return f"tc:functor={owner}"


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Those with our mark: of a page in a bucket that isn't its own nothing else tells."""
    for live in aws.map(lambda arn: _live(aws, arn.rpartition("/")[2]), _marked(aws, index)):
        if live:
            where = _served(live["DistributionConfig"])
            title = title_of(scope, where)
            payload = {"place": where, "ids": [live["Id"]], "found": live}
            key = distribution_key(where)
            yield Resource(KIND, key, where.name, title, scope.owner, {}, payload=payload)


def _marked(aws: Aws, index: Index) -> list[str]:
    """The ARNs of the distributions with our mark. CloudFront is of no region, and the index
    of tags knows it in one only."""
    if aws.region == _HOME:
        arns = list(index.tagged)
    else:
        try:
            found = aws.pages(
                f"resourcegroupstaggingapi@{_HOME}",
                "get_resources",
                "ResourceTagMappingList",
                TagFilters=[{"Key": OWNER_TAG, "Values": [index.owner]}],
                ResourceTypeFilters=["cloudfront:distribution"],
            )
            arns = [one["ResourceARN"] for one in found]
        except AwsError as error:
            if error.aws_code not in {"AccessDeniedException", "AccessDenied"}:
                raise
            arns = []
    return [arn for arn in arns if ":cloudfront:" in arn and ":distribution/" in arn]


def _served(config: Mapping[str, Any]) -> Place:
    """Where the files are that a distribution serves."""
    origin = props_of(config)["origin"]
    path = origin["path"].strip("/")
    return place_at(origin["domain"].partition(".s3.")[0], f"{path}/" if path else "")


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """One stand-in for each live bucket of a page."""
    for actual in actuals:
        if actual.kind == "page bucket":
            where = Place(actual.name)
            yield Resource(
                KIND,
                distribution_key(where),
                where.name,
                actual.title,
                actual.owner,
                {},
                payload={"place": where},
            )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    live = resource.payload.get("found")
    if live is None:
        number = next(iter(resource.payload["ids"]), "") or _number(aws, resource)
        live = _live(aws, number) if number else None
    if live is None:
        return None
    config = live["DistributionConfig"]
    tagged = aws.call("cloudfront", "list_tags_for_resource", Resource=live["ARN"])
    tags = {tag["Key"]: tag.get("Value", "") for tag in tagged["Tags"].get("Items", [])}
    where: Place = resource.payload["place"]
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            **props_of(config),
            "headers": page_headers.live(aws, headers_of(config), _comment(resource.owner)),
            "functions": page_edge.live_digests(aws, functions_of(config)),
            "tags": own_tags(tags),
        },
        outputs=_outputs(aws, live),
        info={"version": tags.get("version", ""), "since": str(live.get("LastModifiedTime", ""))},
        needs=(f"page bucket/{where.bucket}",) if is_page_bucket(where.bucket) else (),
    )


def _live(aws: Aws, number: str) -> dict[str, Any] | None:
    with defaults.if_there():
        return dict(aws.call("cloudfront", "get_distribution", Id=number)["Distribution"])
    return None


def _number(aws: Aws, resource: Resource) -> str:
    """The id of the distribution that serves the place; empty for none."""
    where: Place = resource.payload["place"]
    policy = read_policy(aws, where.bucket)
    if policy is None:
        return ""
    arn = reader(policy, where)
    if arn:
        return arn.rpartition("/")[2]
    comment = _comment(resource.owner)
    for listed in _all(aws):
        origins = listed.get("Origins", {}).get("Items", [])
        ours = any(one["DomainName"].startswith(f"{where.bucket}.s3.") for one in origins)
        paths = {one.get("OriginPath", "").strip("/") for one in origins}
        if ours and listed.get("Comment") == comment and where.prefix.strip("/") in paths:
            return str(listed["Id"])
    return ""


def _all(aws: Aws) -> Iterator[dict[str, Any]]:
    """Every distribution of the account: CloudFront has no filter for their comments."""
    marker: dict[str, str] = {}
    while True:
        page = aws.call("cloudfront", "list_distributions", **marker)["DistributionList"]
        yield from page.get("Items", [])
        if not page.get("IsTruncated"):
            return
        marker = {"Marker": page["NextMarker"]}


def _outputs(aws: Aws, live: Mapping[str, Any]) -> dict[str, str]:
    aliases = live["DistributionConfig"].get("Aliases", {}).get("Items", [])
    host = next(iter(aliases), live["DomainName"])
    where = _served(live["DistributionConfig"])
    return {
        "id": live["Id"],
        "bucket": where.bucket,
        "prefix": where.prefix,
        "arn": live["ARN"],
        "domain": live["DomainName"],
        "host": host,
        "url": _local_url(aws, live["DomainName"]) if aws.local else f"https://{host}",
    }


def _local_url(aws: Aws, name: str) -> str:
    """Where the engine serves a distribution: browsers take every name below localhost for
    this machine."""
    port = (aws.endpoint or "").rpartition(":")[2].strip("/")
    return f"http://{name.partition('.')[0]}.cloudfront.localhost:{port}"


# what to do


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    props, payload = resource.props, resource.payload
    config = written(
        new_config(f"tc-{time.time_ns()}", _comment(resource.owner)),
        {"domains": [], "certificate": "", **props},
        page_headers.put(aws, payload["base"], props["headers"], _comment(resource.owner)),
        _make_control(aws, resource),
        _put_functions(aws, resource, sorted(payload["codes"])),
    )
    tags = {"Items": defaults.tag_list(payload["tags"])}
    made = aws.call(
        "cloudfront",
        "create_distribution_with_tags",
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": tags},
    )
    return _outputs(aws, made["Distribution"])


def _put_functions(aws: Aws, resource: Resource, whens: Iterable[str]) -> dict[str, str]:
    comment, payload = _comment(resource.owner), resource.payload
    return {
        when: page_edge.put(
            aws, page_edge.function_name(payload["base"], when), payload["codes"][when], comment
        )
        for when in whens
    }


def _make_control(aws: Aws, resource: Resource) -> str:
    """The origin access control, which one of a run that was interrupted may have made."""
    name = shorten(resource.payload["base"], _NAME_LIMIT)
    config = {
        "Name": name,
        "Description": _comment(resource.owner),
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    try:
        made = aws.call(
            "cloudfront", "create_origin_access_control", OriginAccessControlConfig=config
        )
    except AwsError as error:
        if error.aws_code != "OriginAccessControlAlreadyExists":
            raise
        listed = aws.call("cloudfront", "list_origin_access_controls")["OriginAccessControlList"]
        for found in listed.get("Items", []):
            if found["Name"] == name and found.get("Description") == config["Description"]:
                return str(found["Id"])
        raise
    return str(made["OriginAccessControl"]["Id"])


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if changed & {"tags", "owner"}:
        _retag(aws, resource, actual)
    outputs = actual.outputs
    if changed - {"tags", "owner"}:
        outputs = _rewrite(aws, resource, actual)
    return outputs


def _rewrite(aws: Aws, resource: Resource, actual: Actual) -> Outputs:
    """UpdateDistribution sets back what it isn't given: what is there is read, and kept."""
    number = actual.outputs["id"]
    live = aws.call("cloudfront", "get_distribution_config", Id=number)
    config = live["DistributionConfig"]
    before, after = actual.props["functions"], resource.props.get("functions", {})
    arns = {when: arn for when, arn in functions_of(config).items() if when in after}
    arns |= _put_functions(
        aws, resource, [when for when in after if before.get(when) != after[when]]
    )
    policy = headers_of(config)
    if actual.props["headers"] != resource.props["headers"]:
        base, headers = resource.payload["base"], resource.props["headers"]
        policy = page_headers.put(aws, base, headers, _comment(resource.owner))
    told = aws.call(
        "cloudfront",
        "update_distribution",
        Id=number,
        IfMatch=live["ETag"],
        DistributionConfig=written(
            config,
            {**actual.props, **resource.props},
            policy,
            control_of(config) or _make_control(aws, resource),
            arns,
        ),
    )
    for when, arn in functions_of(config).items():
        if when not in after:
            page_edge.remove(aws, arn, _comment(resource.owner))
    if policy != headers_of(config):
        page_headers.remove(aws, headers_of(config), _comment(resource.owner))
    return _outputs(aws, told["Distribution"])


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    arn = actual.outputs["arn"]
    removed = defaults.dropped_tags(resource, actual)
    if removed:
        aws.call("cloudfront", "untag_resource", Resource=arn, TagKeys={"Items": removed})
    tags = {"Items": defaults.tag_list(resource.payload["tags"])}
    aws.call("cloudfront", "tag_resource", Resource=arn, Tags=tags)


def delete(aws: Aws, actual: Actual) -> None:
    """Off first, everywhere, then away: CloudFront deletes only what is switched off."""
    number = actual.outputs["id"]
    with defaults.if_there():
        live = aws.call("cloudfront", "get_distribution_config", Id=number)
        config = live["DistributionConfig"]
        if config["Enabled"]:
            aws.call(
                "cloudfront",
                "update_distribution",
                Id=number,
                IfMatch=live["ETag"],
                DistributionConfig={**config, "Enabled": False},
            )
        _wait(aws, number, f"CloudFront to switch {actual.title} off (up to 15 minutes)")
        etag = aws.call("cloudfront", "get_distribution_config", Id=number)["ETag"]
        aws.call("cloudfront", "delete_distribution", Id=number, IfMatch=etag)
        for arn in functions_of(config).values():
            page_edge.remove(aws, arn, _comment(actual.owner))
        page_headers.remove(aws, headers_of(config), _comment(actual.owner))
        _remove_control(aws, control_of(config), _comment(actual.owner))


def _remove_control(aws: Aws, number: str, comment: str) -> None:
    with defaults.if_there():
        if number:
            live = aws.call("cloudfront", "get_origin_access_control", Id=number)
            config = live["OriginAccessControl"]["OriginAccessControlConfig"]
            if config.get("Description") == comment:
                aws.call(
                    "cloudfront", "delete_origin_access_control", Id=number, IfMatch=live["ETag"]
                )


def _wait(aws: Aws, number: str, what: str) -> None:
    def probe() -> str:
        live = aws.call("cloudfront", "get_distribution", Id=number)["Distribution"]
        return "" if live["Status"] == "Deployed" else str(live["Status"])

    aws.wait(what, probe, deadline=_DEADLINE)


def settle(aws: Aws, resource: Resource) -> None:
    number = _number(aws, resource)
    if number:
        _wait(aws, number, f"CloudFront to have {resource.title} everywhere (up to 15 minutes)")
