"""The alias `live`, by which functions are called: each in a stable sandbox, elsewhere those
with SnapStart or provisioned concurrency, which exist only on published versions.

The alias names the published version that equals what the function should be. A function tells
by the tag ``tc:alias`` that it has one; the value ``live`` says that environments may be
provisioned for it, which takes a read of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tc.components import defaults
from tc.components.function_settings import ALIAS_TAG
from tc.components.protocol import Aws, Outputs, Traits
from tc.components.version import drop, published, version_key
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.function import ALIAS
from tc.spec.topology import Topology

KIND = "alias"
PLURAL = "aliases"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="alias", told_by="function", used_by_others=True)
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read

#: published versions that are kept where a sandbox isn't stable: the one called, the one before
_KEPT = 2
_PROVISIONED = "provisioned_concurrency"
#: the value of `ALIAS_TAG` where nothing was ever provisioned
_BARE = "bare"


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for function in topology.functions.values():
        if not function.is_called_by_alias(scope):
            continue
        name = topology.function_name(function.name)
        called = topology.called_name(function.name)
        version = version_key(name)
        yield Resource(
            kind=KIND,
            key=topology.called_key(function.name),
            name=called,
            title=called,
            owner=scope.owner,
            props={
                "version": Ref(version, "version"),
                "weights": {},
                _PROVISIONED: function.provisioned_concurrency,
            },
            needs=(f"function/{name}", version),
            selectors=frozenset({PLURAL, "functions", f"functions/{function.name}"}),
            parent=f"function/{name}",
            address=function.address,
            payload={
                "function": name,
                "arn": scope.arn("lambda", f"function:{name}"),
                "version": version,
                "release": scope.version,
                "stable": scope.stable,
            },
        )


def tag(provisioned: int) -> dict[str, str]:
    """The tag of a function that has an alias."""
    return {ALIAS_TAG: ALIAS if provisioned else _BARE}


def read_live(
    aws: Aws, function: Actual, tags: Mapping[str, str], wanted: Resource | None
) -> Iterator[Actual]:
    """The alias of a live function, if it is there; `tags` are the function's."""
    name = f"{function.name}:{ALIAS}"
    try:
        live = aws.call("lambda", "get_alias", FunctionName=function.name, Name=ALIAS)
    except AwsError as error:
        if error.missing:
            return
        raise
    may_be = tags.get(ALIAS_TAG) == ALIAS or (wanted and wanted.props[_PROVISIONED])
    weights = (live.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    number = str(live["FunctionVersion"])
    yield Actual(
        kind=KIND,
        key=f"{KIND}/{name}",
        name=name,
        title=name,
        owner=function.owner,
        props={
            "version": number,
            "weights": dict(weights),
            _PROVISIONED: _provisioned(aws, function.name) if may_be else 0,
        },
        outputs={
            "arn": f"{function.outputs['arn']}:{ALIAS}",
            "function": function.name,
            "function_arn": function.outputs["arn"],
            "release": live.get("Description", ""),
        },
        info={"version": live.get("Description", "")},
        needs=(version_key(function.name),),
        parent=function.key,
    )


def _provisioned(aws: Aws, function: str) -> int:
    try:
        found = aws.call(
            "lambda",
            "get_provisioned_concurrency_config",
            FunctionName=function,
            Qualifier=ALIAS,
        )
    except AwsError as error:
        if error.missing or error.aws_code == "ProvisionedConcurrencyConfigNotFoundException":
            return 0
        raise
    return int(found["RequestedProvisionedConcurrentExecutions"])


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    function, arn = resource.payload["function"], resource.payload["arn"]
    if not resource.payload["parent"].get("alias"):
        _mark(aws, resource)
    given = _routed(resource)
    try:
        aws.call("lambda", "create_alias", **given)
    except AwsError as error:
        # on a function of ours it can only be a leftover, or a call whose answer was lost
        if not error.exists:
            raise
        aws.call("lambda", "update_alias", **given, RoutingConfig=_WHOLE)
    _provision(aws, resource, before=0)
    return {"arn": f"{arn}:{ALIAS}", "function": function, "function_arn": arn}


#: all calls to one version
_WHOLE: Mapping[str, Mapping[str, float]] = {"AdditionalVersionWeights": {}}


def _routed(resource: Resource) -> dict[str, str]:
    """Which version the alias names, and which release that is of, in the words of Lambda."""
    return {
        "FunctionName": resource.payload["function"],
        "Name": ALIAS,
        "FunctionVersion": str(resource.props["version"]),
        "Description": resource.payload["release"],
    }


def _mark(aws: Aws, resource: Resource) -> None:
    tags = tag(resource.props[_PROVISIONED])
    aws.call("lambda", "tag_resource", Resource=resource.payload["arn"], Tags=tags)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    function = resource.payload["function"]
    changed = defaults.changed(changes)
    if changed & {"version", "weights"}:
        weighted = {"RoutingConfig": _WHOLE} if actual.props["weights"] else {}
        aws.insist(
            f"alias {resource.name}",
            lambda: aws.call("lambda", "update_alias", **_routed(resource), **weighted),
        )
        if not resource.payload["stable"]:
            drop(aws, function, published(aws, function)[:-_KEPT])
    before = actual.props[_PROVISIONED]
    if not before and resource.props[_PROVISIONED]:
        _mark(aws, resource)
    _provision(aws, resource, before=before)
    return actual.outputs


def _provision(aws: Aws, resource: Resource, before: int) -> None:
    wanted = resource.props[_PROVISIONED]
    if wanted != before:
        provision(aws, resource.payload["function"], wanted)


def provision(aws: Aws, function: str, wanted: int) -> None:
    """Keeps `wanted` environments of the alias started, 0 for none."""
    given = {"FunctionName": function, "Qualifier": ALIAS}
    if not wanted:
        with defaults.if_there():
            aws.call("lambda", "delete_provisioned_concurrency_config", **given)
        return
    aws.insist(
        f"alias {function}:{ALIAS}",
        lambda: aws.call(
            "lambda",
            "put_provisioned_concurrency_config",
            ProvisionedConcurrentExecutions=wanted,
            **given,
        ),
    )


def delete(aws: Aws, actual: Actual) -> None:
    """Takes the alias from a function that stays."""
    function = actual.outputs["function"]
    if actual.props[_PROVISIONED]:
        provision(aws, function, 0)
    with defaults.if_there():
        aws.call("lambda", "delete_alias", FunctionName=function, Name=ALIAS)
        arn = actual.outputs["function_arn"]
        aws.call("lambda", "untag_resource", Resource=arn, TagKeys=[ALIAS_TAG])


def settle(aws: Aws, resource: Resource) -> None:
    """Until as many environments as wanted are started."""
    if not resource.props[_PROVISIONED]:
        return

    def probe() -> str:
        found = aws.call(
            "lambda",
            "get_provisioned_concurrency_config",
            FunctionName=resource.payload["function"],
            Qualifier=ALIAS,
        )
        if found["Status"] == "FAILED":
            raise TcError(
                f"Lambda can't start the environments of {resource.name}: "
                f"{found.get('StatusReason', 'it gives no reason')}",
                code="function-failed",
                where=resource.name,
            )
        return "" if found["Status"] == "READY" else str(found["Status"])

    aws.wait(f"alias {resource.name}", probe)
