"""Cognito user pools, found by their marks or by name, since AWS gives their ids.

A pool tells of its app client and of its triggers, which are things of their own.
Outputs of ``pool/{name on AWS}``: ``id``, ``arn``, ``issuer`` (of its tokens,
without ``https://``: `issuer` of `TRAITS.addresses` has it); of
``pool client/{name on AWS}``: ``id``.

UpdateUserPool sets back whatever it isn't given, so every write here is made of
what DescribeUserPool said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.errors import TcError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, dns_suffix, own_tags
from tc.spec.topology import Entry, Topology

SignIn = Literal["email", "phone", "username"]
Auth = Literal["srp", "password", "admin", "custom"]


class PoolModel(Entity):
    """`pools.X`: people who sign in, and an app client that they do it with."""

    sign_in: SignIn = Field("email", description="what people sign in with; email")
    sign_up: bool = Field(True, description="people may sign up by themselves")
    password_length: Annotated[int, Field(ge=8, le=99)] = Field(
        12, description="characters that a password has at least; 12"
    )
    auth: list[Auth] = Field(
        ["srp"], description="how the app client may sign in: srp, password, admin, custom; srp"
    )


KIND = "pool"
PLURAL = "pools"
SECTION: tuple[str, type[Strict]] | None = ("pools", PoolModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"sign_in"})
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

#: characters of a pool's name, and of an app client's (CreateUserPool)
_NAME_LIMIT = 128
#: pools of a page of ListUserPools
_PAGE = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_ATTRIBUTE = {"email": "email", "phone": "phone_number"}
#: what UpdateUserPool takes of what DescribeUserPool tells
_SETTINGS = (
    "AccountRecoverySetting",
    "AcrConfiguration",
    "AdminCreateUserConfig",
    "AutoVerifiedAttributes",
    "DcrConfiguration",
    "DeletionProtection",
    "DeviceConfiguration",
    "EmailConfiguration",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "IssuerConfiguration",
    "KeyConfiguration",
    "LambdaConfig",
    "MfaConfiguration",
    "Policies",
    "SmsAuthenticationMessage",
    "SmsConfiguration",
    "SmsVerificationMessage",
    "UserAttributeUpdateSettings",
    "UserPoolAddOns",
    "UserPoolTags",
    "UserPoolTier",
    "VerificationMessageTemplate",
)


def _model(entry: Entry) -> PoolModel:
    assert isinstance(entry.model, PoolModel)
    return entry.model


def pool_name(scope: Scope, name: str) -> str:
    """The name on AWS of the pool `name`."""
    return scope.name(scope.namespace, name, scope.sandbox, limit=_NAME_LIMIT)


def pool_key(scope: Scope, name: str) -> str:
    return f"{KIND}/{pool_name(scope, name)}"


def client_key(scope: Scope, name: str) -> str:
    """The key of the app client of the pool `name`; its output `id` is what apps sign in with."""
    return f"pool client/{pool_name(scope, name)}"


def _output(attr: str, before: str = "") -> Callable[[Topology, str], str | Ref]:
    return lambda topology, name: Ref(pool_key(topology.scope, name), attr, before)


def _holds(aws: Aws, actual: Actual) -> str:
    """Cognito's own count, which it brings up to date now and then; a user is looked for
    where it says 0."""
    with defaults.if_there():
        number = actual.outputs["id"]
        live = aws.call("cognito-idp", "describe_user_pool", UserPoolId=number)["UserPool"]
        count = int(live.get("EstimatedNumberOfUsers", 0))
        if not count:
            page = aws.call("cognito-idp", "list_users", UserPoolId=number, Limit=1)
            count = len(page.get("Users", []))
        return f"{count:,} user{'s' if count != 1 else ''}" if count else ""
    return ""


TRAITS = Traits(
    switch="beside",
    addresses={
        "id": _output("id"),
        "arn": _output("arn"),
        "issuer": _output("issuer", "https://"),
        "client_id": lambda topology, name: Ref(client_key(topology.scope, name), "id"),
    },
    holds=_holds,
)


def check(topology: Topology) -> Iterator[Finding]:
    return defaults.check_names(topology, PLURAL, _NAME)


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in topology.entries.get(PLURAL, {}).values():
        model, name = _model(entry), pool_name(scope, entry.name)
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{name}",
            name=name,
            title=entry.name,
            owner=scope.owner,
            props={
                "sign_in": model.sign_in,
                "sign_up": model.sign_up,
                "password_length": model.password_length,
                "tags": dict(scope.tags),
            },
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            address=entry.address,
            payload={"tags": scope.marks},
        )


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Those with our mark; what was made a moment ago may not be among them yet."""
    ids = [arn.rpartition("/")[2] for arn in index.tagged if ":userpool/" in arn]
    for live in aws.map(lambda number: describe(aws, number), ids):
        if live:
            name = live["Name"]
            title = name.removeprefix(f"{scope.namespace}_").removesuffix(f"_{scope.sandbox}")
            payload = {"found": live}
            yield Resource(KIND, f"{KIND}/{name}", name, title, scope.owner, {}, payload=payload)


def describe(aws: Aws, number: str) -> dict[str, Any] | None:
    """The pool with the id `number` as DescribeUserPool tells of it; None where it isn't there."""
    with defaults.if_there():
        live: dict[str, Any] = aws.call("cognito-idp", "describe_user_pool", UserPoolId=number)
        return dict(live["UserPool"])
    return None


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The pools, each with its client and its triggers."""
    lives = {r.key: r.payload["found"] for r in resources if "found" in (r.payload or {})}
    unknown = [resource for resource in resources if resource.key not in lives]
    lives |= _by_name(aws, unknown) if unknown else {}
    found = [resource for resource in resources if resource.key in lives]
    told = aws.map(lambda resource: _read(aws, resource, lives[resource.key]), found)
    return [actual for actuals in told for actual in actuals]


def _by_name(aws: Aws, resources: Sequence[Resource]) -> dict[str, dict[str, Any]]:
    """The pools with these names; Cognito can't list by name, and lets several have one."""
    ids: dict[str, list[str]] = {resource.name: [] for resource in resources}
    for listed in aws.pages("cognito-idp", "list_user_pools", "UserPools", MaxResults=_PAGE):
        if listed["Name"] in ids:
            ids[listed["Name"]].append(listed["Id"])
    found: dict[str, dict[str, Any]] = {}
    for resource in resources:
        lives = [live for number in ids[resource.name] if (live := describe(aws, number))]
        own = [pool for pool in lives if _owner(pool) == resource.owner]
        if len(own) > 1:
            raise TcError(
                f"there are {len(own)} user pools `{resource.name}`, all of this sandbox",
                code="two-pools",
                where=f"pool {resource.title}",
                hint="delete the one without users in the console",
            )
        if lives:
            found[resource.key] = (own or lives)[0]
    return found


def _owner(live: Mapping[str, Any]) -> str:
    return str(live.get("UserPoolTags", {}).get(OWNER_TAG, ""))


def _read(aws: Aws, resource: Resource, live: Mapping[str, Any]) -> list[Actual]:
    from tc.components import pool_client, trigger

    pool = Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=_owner(live),
        props=_props(live),
        outputs=_outputs(aws, live["Id"]),
        info={
            "version": live.get("UserPoolTags", {}).get("version", ""),
            "since": str(live.get("CreationDate", "")),
        },
    )
    wanted = [child for child in resource.payload.get("children", []) if child.kind == trigger.KIND]
    names = [name for child in wanted for name in child.props["functions"]]
    return [pool, *pool_client.of_pool(aws, pool), *trigger.of_pool(pool, live, names)]


def _props(live: Mapping[str, Any]) -> dict[str, Any]:
    usernames = live.get("UsernameAttributes", [])
    by_attribute = {attribute: word for word, attribute in _ATTRIBUTE.items()}
    words = [by_attribute.get(name, name) for name in usernames]
    policy = live.get("Policies", {}).get("PasswordPolicy", {})
    only_admins = live.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)
    return {
        "sign_in": ",".join(words) or "username",
        "sign_up": not only_admins,
        "password_length": policy.get("MinimumLength", 8),
        "tags": defaults.without_has(own_tags(live.get("UserPoolTags", {}))),
    }


def _outputs(aws: Aws, number: str) -> dict[str, str]:
    return {
        "id": number,
        "arn": f"arn:{aws.partition}:cognito-idp:{aws.region}:{aws.account}:userpool/{number}",
        "issuer": f"cognito-idp.{aws.region}.{dns_suffix(aws.partition)}/{number}",
    }


# what to do


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    props = resource.props
    given: dict[str, Any] = {
        "PoolName": resource.name,
        "UserPoolTags": dict(resource.payload["tags"]),
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": not props["sign_up"]},
        "Policies": {"PasswordPolicy": _password(props["password_length"])},
        "UsernameConfiguration": {"CaseSensitive": False},
    }
    attribute = _ATTRIBUTE.get(props["sign_in"])
    if attribute:
        given["UsernameAttributes"] = [attribute]
    if attribute != "phone_number":
        # texting needs an origination number and a role, which are the user's to set up
        given["AutoVerifiedAttributes"] = ["email"]
        mechanisms = [{"Priority": 1, "Name": "verified_email"}]
        given["AccountRecoverySetting"] = {"RecoveryMechanisms": mechanisms}
    made = aws.call("cognito-idp", "create_user_pool", **given)["UserPool"]
    return _outputs(aws, made["Id"])


def _password(length: int) -> dict[str, Any]:
    return {
        "MinimumLength": length,
        "RequireUppercase": True,
        "RequireLowercase": True,
        "RequireNumbers": True,
        "RequireSymbols": False,
        "TemporaryPasswordValidityDays": 7,
    }


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    gone = set(actual.props["tags"]) - set(resource.props["tags"])

    def edit(settings: dict[str, Any]) -> None:
        if "sign_up" in changed:
            admin = settings.setdefault("AdminCreateUserConfig", {})
            admin["AllowAdminCreateUserOnly"] = not resource.props["sign_up"]
        if "password_length" in changed:
            policy = settings.setdefault("Policies", {}).setdefault("PasswordPolicy", _password(8))
            policy["MinimumLength"] = resource.props["password_length"]
        kept = {k: v for k, v in settings.get("UserPoolTags", {}).items() if k not in gone}
        settings["UserPoolTags"] = {**kept, **resource.payload["tags"]}

    rewrite(aws, actual.outputs["id"], edit)
    return actual.outputs


def rewrite(aws: Aws, number: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Writes the pool with the id `number` as it is, but for what `edit` changes of its
    settings (the fields of UpdateUserPool)."""
    live = aws.call("cognito-idp", "describe_user_pool", UserPoolId=number)["UserPool"]
    settings = {key: live[key] for key in _SETTINGS if live.get(key) not in (None, "", {}, [])}
    edit(settings)
    password = settings.get("Policies", {}).get("PasswordPolicy", {})
    if "TemporaryPasswordValidityDays" in password:
        # the older name of the same setting, which Cognito tells and refuses beside the other
        settings.get("AdminCreateUserConfig", {}).pop("UnusedAccountValidityDays", None)
    aws.insist(
        f"user pool {number}",
        lambda: aws.call(
            "cognito-idp", "update_user_pool", UserPoolId=number, PoolName=live["Name"], **settings
        ),
    )


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("cognito-idp", "delete_user_pool", UserPoolId=actual.outputs["id"])
