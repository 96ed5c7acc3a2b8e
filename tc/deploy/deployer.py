"""The IAM policy of whoever deploys a topology, or only looks at it: the actions of the kinds
that are in it, on the names that its sandboxes give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from tc.components import actions, grants, kinds
from tc.components.grants import Grant
from tc.plan.resource import Resource
from tc.records import dataclass
from tc.spec.facts import Facts
from tc.spec.fetched import reference
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.topology import Topology

#: characters of a managed policy, white space not counted (IAM quota)
POLICY_LIMIT = 6_144
#: what stands before the name that the sandbox gives
_PREFIXES = ("tc_", "/aws/lambda/", "/aws/vendedlogs/states/")
_VERSION = "2012-10-17"

Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Words:
    """What the placeholders of ARNs stand for in one topology; `cut` has for a service the names
    that were too long for it, so that no pattern finds them."""

    fixed: Mapping[str, str]
    cut: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Scope, bucket: str) -> _Words:
        anything = "{{" in scope.sandbox
        sandbox = "*" if anything else scope.sandbox
        return cls(
            {
                "p": scope.partition,
                "r": scope.region,
                "a": scope.account,
                "n": scope.namespace,
                "s": sandbox,
                "path": scope.role_prefix,
                "own": f"{scope.namespace}_*" if anything else f"{scope.namespace}_*_{sandbox}",
                "bucket": scope.fill(bucket),
            }
        )

    def arns(self, template: str, names: Iterable[str]) -> Iterator[str]:
        """Every ARN that `template` stands for; `names` are those of the kind."""
        if "{name}" in template:
            yield from (template.format(**self.fixed, name=name) for name in names)
            return
        yield template.format(**self.fixed)
        service = template.split(":")[2] if template.count(":") > 1 else ""
        for name in self.cut.get(service, ()) if "{own}" in template else ():
            yield template.format(**{**self.fixed, "own": name})


def statements(
    topology: Topology,
    *,
    bucket: str = "",
    layers: Sequence[str] = (),
    apart: bool = False,
    writes: bool = True,
) -> list[Statement]:
    """The statements for `topology` and what is nested in it, each action once for its ARNs.

    Without a sandbox or an account in its scope they are for every sandbox, and have
    ``{{account}}`` where it belongs. `bucket` is the artifact bucket's name, `layers` are the
    topology's own, which are `apart` when another account has them. Without `writes` they allow
    to look only. Pure.
    """
    found = [_of_part(part, bucket, writes=writes) for part in topology.family()]
    _, first = found[0]
    if layers:
        first += [(grant, []) for grant in grants.LAYERS]
    if layers and writes and not apart:
        first += [(grant, list(layers)) for grant in grants.PUBLISHING]
    return _given(found, writes=writes)


def publishing(topology: Topology, *, bucket: str, layers: Sequence[str]) -> list[Statement]:
    """The statements for who keeps the `layers` of `topology` for other accounts, in any region;
    its versions too, where its sandbox is or may be stable. Pure."""
    words = _Words.of(replace(topology.scope, region="*"), bucket)
    kept = grants.ARTIFACTS if _may_be_stable(topology.scope) else grants.BODIES
    if not layers:
        return _given([(words, [(grant, []) for grant in kept])], writes=True)
    given = (*grants.LAYERS, *grants.PUBLISHING, *kept)
    return _given([(words, [(grant, list(layers)) for grant in given])], writes=True)


def _given(
    parts: Iterable[tuple[_Words, Sequence[tuple[Grant, list[str]]]]], *, writes: bool
) -> list[Statement]:
    """What the grants of each part allow on the names beside them."""
    found: dict[tuple[tuple[str, ...], str], set[str]] = {}
    for words, pairs in parts:
        for grant, names in pairs:
            given = grant.actions(writes=writes)
            if not given:
                continue
            arns = (arn for template in grant.on for arn in words.arns(template, names))
            on = tuple(dict.fromkeys(arns))
            when = _filled(grant.when, words)
            found.setdefault((on, json.dumps(when, sort_keys=True)), set()).update(given)
    return _merged(found)


def _merged(found: Mapping[tuple[tuple[str, ...], str], set[str]]) -> list[Statement]:
    """As statements; what may the same under the same condition is one."""
    by_actions: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (on, when), given in found.items():
        resources = by_actions.setdefault((tuple(sorted(given)), when), [])
        resources += [arn for arn in on if arn not in resources]
    return [
        {
            "Effect": "Allow",
            "Action": list(given),
            "Resource": resources,
            **({"Condition": json.loads(when)} if when != "{}" else {}),
        }
        for (given, when), resources in by_actions.items()
    ]


def _filled(value: Any, words: _Words) -> Any:
    if isinstance(value, str):
        return next(words.arns(value, ())) if value.startswith("arn:") else value
    if isinstance(value, Mapping):
        return {key: _filled(item, words) for key, item in value.items()}
    arns = (arn for item in value for arn in words.arns(item, ()))
    return list(dict.fromkeys(arns))


def _of_part(
    part: Topology, bucket: str, *, writes: bool
) -> tuple[_Words, list[tuple[Grant, list[str]]]]:
    """Every grant that one topology takes, with the names of its kind."""
    words = _Words.of(part.scope, bucket)
    things = {kind.KIND: list(kind.desired(part, Facts())) for kind in kinds()}
    words = replace(words, cut=_cut(things, words))
    found: list[tuple[Grant, list[str]]] = [(grant, []) for grant in grants.ALWAYS]
    for kind, there in things.items():
        names = [resource.name for resource in there]
        given = (*actions.ACTIONS[kind], *grants.TRIALS.get(kind, ()), *_live(part, kind))
        found += [(grant, names) for grant in given if there]
    if bucket:
        found += [(grant, []) for grant in grants.ARTIFACTS]
    found += [(grant, []) for grant in _of_functions(part.functions.values())]
    found += [(grant, []) for grant in _elsewhere(things)]
    if writes:
        found += [(grant, []) for grant in _of_roles(part)]
    return words, found


def _may_be_stable(scope: Scope) -> bool:
    """Whether the sandbox goes live by versions, or may be one that does."""
    return scope.stable or "{{" in scope.sandbox


def _live(part: Topology, kind: str) -> Iterator[Grant]:
    """What the things of `kind` take to go live by versions, and a canary."""
    below = actions.STABLE.get(kind, ())
    if below and _may_be_stable(part.scope):
        yield from (grant for one in below for grant in actions.ACTIONS[one])
        yield from actions.CANARY


def _cut(things: Mapping[str, Sequence[Resource]], words: _Words) -> dict[str, list[str]]:
    """The names that no pattern finds, by the service that has them."""
    cut: dict[str, list[str]] = {}
    pattern = re.compile(re.escape(words.fixed["own"]).replace(r"\*", ".*"))
    for kind, there in things.items():
        templates = [on for grant in actions.ACTIONS[kind] for on in grant.on if "{own}" in on]
        if not templates or kind in _NAMED_BY_OTHERS:
            continue
        for resource in there:
            name = resource.name.removesuffix(".fifo")
            for prefix in _PREFIXES:
                name = name.removeprefix(prefix)
            if not pattern.fullmatch(name) and _is_cut(name, words):
                cut.setdefault(templates[0].split(":")[2], []).append(name)
    return cut


#: kinds whose name is no part of an ARN
_NAMED_BY_OTHERS = frozenset({"alias", "permission", "mapping"})


def _is_cut(name: str, words: _Words) -> bool:
    """Whether `name` is one that the sandbox gives, and ends in a hash."""
    return name.startswith(f"{words.fixed['n']}_") and name != "{n}_{s}".format(**words.fixed)


def _of_functions(functions: Iterable[Function]) -> Iterator[Grant]:
    """What functions take besides: where their code, values, layers and networks are."""
    functions = list(functions)
    if any(function.layers for function in functions):
        yield from grants.LAYERS
    if any(function.network for function in functions):
        yield from grants.NETWORK
    if any(function.mount for function in functions):
        yield from grants.FILE_SYSTEM
    if any(function.is_image for function in functions):
        yield from grants.IMAGES
    texts = {text for one in functions for text in (*one.environment.values(), *one.layers)}
    for text in sorted(text for text in texts if isinstance(text, str)):
        yield from _of_value(text)


def _of_value(text: str) -> Iterator[Grant]:
    """What fetching the value takes that `text` refers to."""
    ref = reference(text)
    if ref is None or ref.scheme == "file":
        return
    # templates of the user's own stay as they are
    name = _literal(ref.name)
    if name.startswith("arn:"):
        arn = name
    elif ref.scheme == "ssm":
        arn = f"arn:{{p}}:ssm:{{r}}:{{a}}:parameter/{name.lstrip('/').split(':')[0]}"
    elif ref.scheme == "s3":
        arn = f"arn:{{p}}:s3:::{name}"
    else:
        # Secrets Manager adds a hyphen and six characters
        arn = f"arn:{{p}}:secretsmanager:{{r}}:{{a}}:secret:{name}-??????"
    if ref.scheme == "secretsmanager":
        yield Grant("secretsmanager", ("*",), "BatchGetSecretValue")
    words = {"ssm": "GetParameters", "s3": "GetObject", "secretsmanager": "GetSecretValue"}
    yield Grant(ref.scheme, (arn,), words[ref.scheme])


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _elsewhere(things: Mapping[str, Sequence[Resource]]) -> Iterator[Grant]:
    """What is reached by names of the user's own: scripts of jobs, domain names of APIs."""
    for job in things["job"]:
        if job.payload.get("file") is None:
            continue
        bucket, _, key = job.props["script"].removeprefix("s3://").partition("/")
        below = f"{key.rpartition('/')[0]}/*"
        arn = f"arn:{{p}}:s3:::{_literal(bucket)}"
        yield Grant("s3", (arn,), "", "ListBucketVersions")
        objects = (f"{arn}/{_literal(below)}",)
        yield Grant("s3", objects, "", "PutObject DeleteObject DeleteObjectVersion")
    for api in things["api"]:
        if host := api.props.get("domain"):
            on = f"arn:{{p}}:apigateway:{{r}}::/domainnames/{host}"
            yield Grant("apigateway", (on, f"{on}/*"), "GET", "POST PATCH DELETE")


def _of_roles(part: Topology) -> Iterator[Grant]:
    """Making roles, only with the boundary where config.yml has one; and handing them, only to
    the services that they are for."""
    boundary = _literal(part.scope.fill(part.scope.role_boundary))
    on = ("arn:{p}:iam::{a}:role{path}/tc/{r}/{n}/{s}/*",)
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary else {}
    making = "CreateRole PutRolePolicy" + (" PutRolePermissionsBoundary" if boundary else "")
    services = {role.service for role in part.roles}
    if services and _may_be_stable(part.scope):
        services.add("scheduler.amazonaws.com")
    if services:
        yield Grant("iam", on, "", making, bounded)
        passed = {"StringEquals": {"iam:PassedToService": sorted(services)}}
        yield Grant("iam", on, "", "PassRole", passed)
    given = sorted({function.role for function in part.functions.values() if function.role})
    if given:
        arns = (
            _literal(role) if role.startswith("arn:") else f"arn:{{p}}:iam::{{a}}:role/{role}"
            for role in given
        )
        to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        yield Grant("iam", tuple(arns), "", "PassRole", to_lambda)


def document(found: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": list(found)}


def size(found: Sequence[Statement]) -> int:
    """Characters, as IAM counts those of a policy."""
    return len(json.dumps(document(found), separators=(",", ":")))


def split(found: Sequence[Statement], limit: int = POLICY_LIMIT) -> list[list[Statement]]:
    """In as many policies as the quota makes necessary, in order."""
    policies: list[list[Statement]] = [[]]
    for statement in (piece for one in found for piece in _pieces(one, limit)):
        if policies[-1] and size([*policies[-1], statement]) > limit:
            policies.append([])
        policies[-1].append(statement)
    return policies


def _pieces(statement: Statement, limit: int) -> Iterator[Statement]:
    """The statement, on fewer resources at a time where it fits in no policy."""
    on = statement["Resource"]
    if size([statement]) <= limit or len(on) == 1:
        yield statement
        return
    half = len(on) // 2
    for some in (on[:half], on[half:]):
        yield from _pieces({**statement, "Resource": some}, limit)
