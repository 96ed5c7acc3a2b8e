"""What is in an account: its sandboxes, and the things of one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tc.components.protocol import Aws
from tc.components.role import owner_of
from tc.deploy.desired import desired_of
from tc.deploy.frozen import owner_of_arn
from tc.deploy.gather import gather
from tc.plan.resource import Actual, Resource
from tc.records import dataclass
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope
from tc.spec.topology import Topology


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox of a topology. `since` is when its first role was made, `functions`
    counts the roles that were made for functions, `things` all roles and marked things.
    `frozen_by` is who froze it, empty where nobody did."""

    namespace: str
    sandbox: str
    version: str
    updated_by: str
    since: datetime | None
    functions: int
    things: int
    frozen_by: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """A live thing: its address is a URL where it has one, else its ARN."""

    kind: str
    owner: str
    title: str
    version: str
    since: str
    address: str


def sandboxes(aws: Aws, role_prefix: str = "") -> list[Sandbox]:
    """Every sandbox of the account and region: found by the paths of their roles, below
    the `role_prefix` of config.yml, told by their tags."""
    roles: dict[str, list[Mapping[str, Any]]] = {}
    path = f"{role_prefix}/tc/{aws.region}/"
    for role in aws.pages("iam", "list_roles", "Roles", PathPrefix=path):
        if owner := owner_of(role["Path"]):
            roles.setdefault(owner, []).append(role)
    tagged: dict[str, list[dict[str, str]]] = {}
    freezers: dict[str, str] = {}
    for item in aws.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=[{"Key": OWNER_TAG}],
    ):
        tags = {tag["Key"]: tag["Value"] for tag in item["Tags"]}
        if owner_of_arn(item["ResourceARN"]) == tags[OWNER_TAG]:
            freezers[tags[OWNER_TAG]] = tags.get("updated_by", "")
        else:
            tagged.setdefault(tags[OWNER_TAG], []).append(tags)
    return [
        _sandbox(owner, roles.get(owner, []), tagged.get(owner, []), freezers.get(owner, ""))
        for owner in sorted({*roles, *tagged, *freezers})
    ]


def _sandbox(
    owner: str, roles: list[Mapping[str, Any]], tagged: list[dict[str, str]], frozen_by: str
) -> Sandbox:
    namespace, _, name = owner.partition("@")
    created = [role["CreateDate"] for role in roles]
    people = max(tagged, key=_version, default={})
    return Sandbox(
        namespace=namespace,
        sandbox=name,
        version=people.get("version", ""),
        updated_by=people.get("updated_by", ""),
        since=min(created, default=None),
        functions=sum(str(r.get("Description", "")).startswith("function ") for r in roles),
        things=len(roles) + len(tagged),
        frozen_by=frozen_by,
    )


def _version(tags: Mapping[str, str]) -> tuple[int, ...]:
    """The version in the tags as one that can be compared: 0.10.0 comes after 0.9.0."""
    return tuple(int(number) for number in re.findall(r"\d+", tags.get("version", "")))


def things(topology: Topology, aws: Aws) -> list[Thing]:
    """Everything the sandbox owns, whether the topology explains it or not."""
    scopes = [part.scope for part in topology.family()]
    return _things(aws, scopes, desired_of(topology, Facts()))


def things_called(sandbox: str, aws: Aws, role_prefix: str = "") -> list[Thing]:
    """Everything of every topology's sandbox of this name, by its marks alone."""
    scopes = [
        Scope(
            box.namespace,
            sandbox,
            account=aws.account,
            region=aws.region,
            partition=aws.partition,
            role_prefix=role_prefix,
        )
        for box in sandboxes(aws, role_prefix)
        if box.sandbox == sandbox
    ]
    return _things(aws, scopes, []) if scopes else []


def _things(aws: Aws, scopes: Sequence[Scope], desired: Sequence[Resource]) -> list[Thing]:
    owners = {scope.owner for scope in scopes}
    found = gather(aws, scopes, desired)
    return [
        _thing(actual, found)
        for actual in found.values()
        if actual.owner in owners and actual.kind != "permission"
    ]


def _thing(actual: Actual, found: Mapping[str, Actual]) -> Thing:
    address = actual.outputs.get("url") or actual.outputs.get("arn", "")
    if actual.kind == "route" and actual.parent:
        address = found[actual.parent].outputs.get("url", "") + str(actual.props["path"])
    return Thing(
        kind=actual.kind,
        owner=actual.owner,
        title=actual.title,
        version=actual.info.get("version", ""),
        since=actual.info.get("since", "")[:19].replace("T", " "),
        address=address,
    )
