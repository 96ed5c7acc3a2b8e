"""The alias `live` of functions with SnapStart or provisioned concurrency.

Both exist only on published versions. The alias has the props of the version it
points at, so it differs when the function's code or configuration does; then a
version is published and the alias moved. A function tells by the tag
``tc:alias`` that it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tc.components import defaults
from tc.components.function_settings import (
    ALIAS_TAG,
    desired_settings,
    live_settings,
    wait_until_ready,
)
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.artifact import Artifact
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.function import ALIAS
from tc.spec.scope import Scope
from tc.spec.topology import Topology

KIND = "alias"
PLURAL = "aliases"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(told_by="function", used_by_others=True)
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace

#: published versions that are kept: the one that is called, and the one before
_KEPT = 2
_PROVISIONED = "provisioned_concurrency"


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    for function in topology.functions.values():
        if not function.has_alias:
            continue
        name = topology.function_name(function.name)
        called = topology.called_name(function.name)
        yield Resource(
            kind=KIND,
            key=topology.called_key(function.name),
            name=called,
            title=called,
            owner=topology.scope.owner,
            props={
                **desired_settings(topology, function, facts),
                _PROVISIONED: function.provisioned_concurrency,
            },
            needs=(f"function/{name}",),
            selectors=frozenset({PLURAL, "functions", f"functions/{function.name}"}),
            parent=f"function/{name}",
            address=function.address,
            payload={"function": name, "arn": topology.scope.arn("lambda", f"function:{name}")},
        )


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    """The function tells of its alias."""
    return ()


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The function tells of its alias."""
    return ()


def read_live(
    aws: Aws, function: Actual, tags: Mapping[str, str], artifact: Artifact | None
) -> Iterator[Actual]:
    """The alias of a live function, if it is there; `tags` are the function's."""
    name = f"{function.name}:{ALIAS}"
    try:
        found = aws.call("lambda", "get_function", FunctionName=name)
    except AwsError as error:
        if error.missing:
            return
        raise
    live = found["Configuration"]
    yield Actual(
        kind=KIND,
        key=f"{KIND}/{name}",
        name=name,
        title=name,
        owner=function.owner,
        props={
            **live_settings(found, tags, artifact),
            _PROVISIONED: _provisioned(aws, function.name),
        },
        outputs={
            "arn": f"{function.outputs['arn']}:{ALIAS}",
            "function": function.name,
            "function_arn": function.outputs["arn"],
        },
        info={"version": live.get("Version", ""), "since": live.get("LastModified", "")},
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
    aws.call("lambda", "tag_resource", Resource=arn, Tags={ALIAS_TAG: ALIAS})
    version = _publish(aws, function)
    given = {"FunctionName": function, "Name": ALIAS, "FunctionVersion": version}
    try:
        aws.call("lambda", "create_alias", **given)
    except AwsError as error:
        # on a function of ours it can only be a leftover, or a call whose answer was lost
        if not error.exists:
            raise
        aws.call("lambda", "update_alias", **given)
    _provision(aws, resource, before=0)
    return {"arn": f"{arn}:{ALIAS}"}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    function = resource.payload["function"]
    if any(change.path not in (_PROVISIONED, "owner") for change in changes):
        version = _publish(aws, function)
        aws.insist(
            f"alias {resource.name}",
            lambda: aws.call(
                "lambda",
                "update_alias",
                FunctionName=function,
                Name=ALIAS,
                FunctionVersion=version,
            ),
        )
        _prune(aws, function, keep=_KEPT)
    _provision(aws, resource, before=actual.props[_PROVISIONED])
    return actual.outputs


def _publish(aws: Aws, function: str) -> str:
    """Publishes what the function is now; Lambda gives the last version again when nothing
    has changed since. Waits until the version can be called: SnapStart takes its time."""
    wait_until_ready(aws, function)
    made = aws.insist(
        f"function {function}",
        lambda: aws.call("lambda", "publish_version", FunctionName=function),
    )
    version = str(made["Version"])
    wait_until_ready(aws, function, version)
    return version


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


def _prune(aws: Aws, function: str, keep: int) -> None:
    """Deletes all published versions but the last; one that another alias names stays."""
    versions = aws.pages("lambda", "list_versions_by_function", "Versions", FunctionName=function)
    numbers = sorted(int(one["Version"]) for one in versions if one["Version"].isdecimal())
    for number in numbers[: max(0, len(numbers) - keep)]:
        try:
            aws.call("lambda", "delete_function", FunctionName=function, Qualifier=str(number))
        except AwsError as error:
            if not (error.missing or error.aws_code == "ResourceConflictException"):
                raise


def delete(aws: Aws, actual: Actual) -> None:
    """Takes the alias from a function that stays, with the versions it was for."""
    function = actual.outputs["function"]
    if actual.props[_PROVISIONED]:
        provision(aws, function, 0)
    with defaults.if_there():
        aws.call("lambda", "delete_alias", FunctionName=function, Name=ALIAS)
        _prune(aws, function, keep=0)
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
