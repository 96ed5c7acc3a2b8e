"""IAM roles: one for each function, flow, rule and API that needs one.

A role lives under the path ``/tc/{region}/{namespace}/{sandbox}/``, which says
whose it is: ListRoles gives no tags. Its description names its thing. config.yml may put
a prefix before the path, and a permissions boundary on every role.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.api_names import api_key
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.pipes import pipe_selectors
from tc.compose.producers import polling_selectors, rule_selectors
from tc.compose.things import job_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.names import shorten
from tc.spec.scope import Scope, own_tags
from tc.spec.topology import RoleSpec, Topology

KIND = "role"
PLURAL = "roles"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"path"})
TRAITS = Traits(switch="beside", gives=frozenset({"policy"}), used_by_others=True)
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

#: the tag on a shared API's role; its value is the API's id
API_TAG = "tc:api"
#: the inline policy that holds everything tc grants
_POLICY = "tc"
#: characters of inline policy in a role, white space not counted (IAM quota)
POLICY_LIMIT = 10_240


def role_name(scope: Scope, name: str) -> str:
    """The name on AWS of the role for the entity `name` (IAM: at most 64 characters)."""
    return shorten(f"tc_{scope.namespace}_{name}_{scope.sandbox}_{scope.region}", 64)


def role_key(scope: Scope, name: str) -> str:
    return f"{KIND}/{role_name(scope, name)}"


def role_arn(scope: Scope, name: str) -> str:
    path = f"role{scope.role_path}{role_name(scope, name)}"
    return f"arn:{scope.partition}:iam::{scope.account}:{path}"


def key_of_arn(arn: str) -> str:
    """The key of the role that a live thing names by its ARN."""
    return f"{KIND}/{arn.rsplit('/', 1)[-1]}"


def policy_of(role: RoleSpec) -> dict[str, Any]:
    """The role's policy document: tc's statements, then the user's own, whole; what both
    say is said once."""
    statements = [statement.document() for statement in role.statements]
    written = (role.written or {}).get("Statement", [])
    written = written if isinstance(written, list) else [written]
    statements += [one for one in written if one not in statements]
    return {"Version": "2012-10-17", "Statement": statements}


def granted(role: Actual, key: str) -> list[str]:
    """All that the statements of a live role say at `key` (``Action``, ``Resource``); IAM takes
    one thing for a list of it."""
    statements = _listed(role.props["policy"].get("Statement"))
    return [str(one) for statement in statements for one in _listed(statement.get(key))]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def check(topology: Topology) -> Iterable[Finding]:
    for role in topology.roles:
        size = len(json.dumps(policy_of(role), separators=(",", ":"), default=str))
        if size > POLICY_LIMIT:
            yield Finding(
                "policy-too-long",
                f"the role of `{role.name}` would have {size:,} characters of policy; "
                f"IAM takes {POLICY_LIMIT:,}",
                topology.address,
                "split the function or the flow",
            )


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for role in topology.roles:
        kind, entity = role.entity
        selectors = {PLURAL, f"{PLURAL}/{role.name}"}
        if kind == "function":
            selectors |= {"functions/roles", f"functions/{entity}/roles"}
            selectors |= {*polling_selectors(topology, entity)}
        elif kind == "flow":
            selectors |= {"flow", f"flow/{entity}"}
        elif kind == "event":
            selectors |= rule_selectors(entity)
        elif kind == "schedule":
            selectors |= {"schedules", f"schedules/{entity}"}
        elif kind == "api":
            selectors.add("routes")
        elif kind == "pipe":
            selectors |= pipe_selectors(topology, entity)
        else:
            selectors |= {f"{kind}s", f"{kind}s/{entity}"}
        yield Resource(
            kind=KIND,
            key=role_key(scope, role.name),
            name=role_name(scope, role.name),
            title=role_name(scope, role.name),
            owner=scope.owner,
            props={
                "path": scope.role_path,
                "boundary": scope.fill(scope.role_boundary),
                "trust": _trust(role.service),
                "policy": _comparable(policy_of(role)),
                "tags": {**scope.tags, **_api_tag(scope, kind, entity)},
            },
            selectors=frozenset(selectors),
            payload={"tags": scope.marks, "for": f"{kind} {_thing_name(topology, role)}"},
        )


def _api_tag(scope: Scope, kind: str, api: str) -> dict[str, Ref]:
    """Says on the role that a shared API uses which one it is: an API that isn't ours has
    no mark to find it by."""
    if kind != "api" or api == scope.namespace:
        return {}
    return {API_TAG: Ref(api_key(api, shared=True), "id")}


def _thing_name(topology: Topology, role: RoleSpec) -> str:
    """The name on AWS of the thing the role is for."""
    kind, name = role.entity
    if kind == "function":
        return topology.function_name(name)
    if kind == "flow":
        return topology.flows[name].full_name
    if kind == "job":
        return job_name(topology.scope, name)
    return name


def _trust(service: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }


def _comparable(policy: Mapping[str, Any]) -> dict[str, Any]:
    """An empty policy is none: IAM refuses an inline policy without statements."""
    return dict(policy) if policy.get("Statement") else {}


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    for role in index.roles:
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{role['RoleName']}",
            name=role["RoleName"],
            title=role["RoleName"],
            owner=scope.owner,
            props={"path": role["Path"]},
        )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    try:
        role = aws.call("iam", "get_role", RoleName=resource.name)["Role"]
    except AwsError as error:
        if error.missing:
            return None
        raise
    return Actual(
        kind=KIND,
        key=resource.key,
        name=role["RoleName"],
        title=resource.title,
        owner=owner_of(role["Path"]),
        props={
            "path": role["Path"],
            "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            "trust": role.get("AssumeRolePolicyDocument", {}),
            "policy": _live_policy(aws, resource.name),
            "tags": own_tags({tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}),
        },
        outputs={"arn": role["Arn"]},
        info={"since": str(role.get("CreateDate", "")), "for": role.get("Description", "")},
    )


def _live_policy(aws: Aws, name: str) -> dict[str, Any]:
    try:
        found = aws.call("iam", "get_role_policy", RoleName=name, PolicyName=_POLICY)
    except AwsError as error:
        if error.missing:
            return {}
        raise
    document: dict[str, Any] = found["PolicyDocument"]
    return document


def owner_of(path: str) -> str:
    """``/tc/eu-west-1/etl/bob/``, whatever stands before it, belongs to ``etl@bob``."""
    *_, mark, _, namespace, sandbox = ["", "", "", *path.strip("/").split("/")]
    return f"{namespace}@{sandbox}" if mark == "tc" else ""


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    boundary = resource.props["boundary"]
    created = aws.call(
        "iam",
        "create_role",
        RoleName=resource.name,
        Path=resource.props["path"],
        AssumeRolePolicyDocument=json.dumps(resource.props["trust"]),
        Description=resource.payload["for"],
        Tags=defaults.tag_list(_tags(resource)),
        **({"PermissionsBoundary": boundary} if boundary else {}),
    )
    _put_policy(aws, resource)
    return {"arn": created["Role"]["Arn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if "trust" in changed:
        aws.call(
            "iam",
            "update_assume_role_policy",
            RoleName=resource.name,
            PolicyDocument=json.dumps(resource.props["trust"]),
        )
    if "boundary" in changed:
        _put_boundary(aws, resource)
    if "policy" in changed:
        _put_policy(aws, resource)
    if changed & {"tags", "owner"}:
        _retag(aws, resource, actual)
    return actual.outputs


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    removed = defaults.dropped_tags(resource, actual)
    if removed:
        aws.call("iam", "untag_role", RoleName=resource.name, TagKeys=removed)
    aws.call("iam", "tag_role", RoleName=resource.name, Tags=defaults.tag_list(_tags(resource)))


def _tags(resource: Resource) -> dict[str, str]:
    return {**resource.props["tags"], **resource.payload["tags"]}


def _put_boundary(aws: Aws, resource: Resource) -> None:
    boundary = resource.props["boundary"]
    if not boundary:
        aws.call("iam", "delete_role_permissions_boundary", RoleName=resource.name)
        return
    aws.call(
        "iam",
        "put_role_permissions_boundary",
        RoleName=resource.name,
        PermissionsBoundary=boundary,
    )


def _put_policy(aws: Aws, resource: Resource) -> None:
    policy = resource.props["policy"]
    if policy:
        aws.call(
            "iam",
            "put_role_policy",
            RoleName=resource.name,
            PolicyName=_POLICY,
            PolicyDocument=json.dumps(policy),
        )
        return
    _delete_policy(aws, resource.name)


def _delete_policy(aws: Aws, name: str) -> None:
    with defaults.if_there():
        aws.call("iam", "delete_role_policy", RoleName=name, PolicyName=_POLICY)


def delete(aws: Aws, actual: Actual) -> None:
    if actual.props.get("policy"):
        _delete_policy(aws, actual.name)
    try:
        aws.call("iam", "delete_role", RoleName=actual.name)
    except AwsError as error:
        if error.aws_code == "DeleteConflict":
            _strip(aws, actual.name)
            aws.call("iam", "delete_role", RoleName=actual.name)
        elif not error.missing:
            raise


def _strip(aws: Aws, name: str) -> None:
    """Takes from the role what others put on it: IAM deletes only a bare one."""
    for policy in aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
        aws.call("iam", "delete_role_policy", RoleName=name, PolicyName=policy)
    for attached in aws.pages(
        "iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name
    ):
        arn = attached["PolicyArn"]
        aws.call("iam", "detach_role_policy", RoleName=name, PolicyArn=arn)
