"""What is frozen: a parameter of SSM says that nothing of a sandbox may be changed.

``/tc/{namespace}/{sandbox}/frozen`` is a String of JSON with `by`, `at` (UTC) and `reason`, and
carries the sandbox's marks. Nested topologies are sandboxes of their own, so a topology is frozen
with all that is nested in it, and isn't changed while any of it is frozen.

The parameter is the truth. Functions of a frozen sandbox have a tag besides, so that new code
alone, for which their tags are read anyway, takes no call to find out that nothing is frozen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tc.components import defaults, function
from tc.components.protocol import Aws
from tc.deploy.gather import read_index
from tc.errors import AwsError, TcError
from tc.plan.resource import Action, Plan, Step
from tc.records import dataclass
from tc.spec.scope import FROZEN_TAG, OWNER_TAG, Scope
from tc.spec.topology import Topology

#: names in a call (GetParameters)
_NAMES = 10
#: characters of a reason: a standard parameter holds 4 KB (SSM quota)
REASON = 1_000

_ARN = re.compile(r":parameter/tc/([^/]+)/([^/]+)/frozen\Z")


@dataclass(frozen=True, slots=True)
class Freeze:
    """Who froze `owner` (``etl@stable``), when (ISO 8601, UTC) and why; `by` and `at` are empty
    where the parameter says nothing of it, so that it isn't tc's."""

    owner: str
    parameter: str
    by: str = ""
    at: str = ""
    reason: str = ""

    @property
    def text(self) -> str:
        """``etl@stable is frozen by ana since 2026-11-21 21:50 UTC: quarter end``"""
        if not self.by:
            return f"{self.owner} is frozen by the parameter {self.parameter}, which isn't tc's"
        why = f": {self.reason}" if self.reason else ""
        return f"{self.owner} is frozen by {self.by} since {when(self.at)}{why}"


def parameter_name(scope: Scope) -> str:
    return f"/tc/{scope.namespace}/{scope.sandbox}/frozen"


def owner_of_arn(arn: str) -> str:
    """Whose freeze the parameter of this ARN is (``etl@stable``); empty for anything else."""
    found = _ARN.search(arn)
    return f"{found[1]}@{found[2]}" if found else ""


def when(at: str) -> str:
    """``2026-11-21 21:50 UTC``"""
    return f"{at[:16].replace('T', ' ')} UTC"


def frozen(aws: Aws, scopes: Iterable[Scope]) -> list[Freeze]:
    """What of `scopes` is frozen: one call for up to ten of them."""
    named = {parameter_name(scope): scope for scope in scopes}
    names = list(named)
    groups = [names[start : start + _NAMES] for start in range(0, len(names), _NAMES)]
    answers = aws.map(lambda group: aws.call("ssm", "get_parameters", Names=group), groups)
    return [
        _freeze(named[one["Name"]], one.get("Value", ""))
        for answer in answers
        for one in answer.get("Parameters", [])
    ]


def _freeze(scope: Scope, value: str) -> Freeze:
    """What the parameter says; any of that name counts, whoever wrote it."""
    try:
        said = json.loads(value)
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    by, at, reason = (str(said.get(key) or "") for key in ("by", "at", "reason"))
    return Freeze(scope.owner, parameter_name(scope), by, at, reason)


def freeze(aws: Aws, scopes: Sequence[Scope], reason: str, now: datetime) -> list[Freeze]:
    """Freezes each of `scopes`; gives back how each is frozen now, which is as before for what
    was frozen already."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return aws.map(lambda scope: _put(aws, scope, at, reason), scopes)


def _put(aws: Aws, scope: Scope, at: str, reason: str) -> Freeze:
    name = parameter_name(scope)
    value = {"by": scope.updated_by, "at": at, "reason": reason}
    try:
        aws.call(
            "ssm",
            "put_parameter",
            Name=name,
            Value=json.dumps(value),
            Type="String",
            Description=f"{scope.owner} is frozen: `tc unfreeze` removes this",
            Tags=defaults.tag_list(scope.marks),
        )
    except AwsError as error:
        if error.aws_code != "ParameterAlreadyExists":
            raise
        # somebody's, or our own where the first answer was lost
        before = frozen(aws, [scope])
        if not before:
            raise
        return before[0]
    return Freeze(scope.owner, name, scope.updated_by, at, reason)


def unfreeze(aws: Aws, topologies: Sequence[Topology]) -> list[Freeze]:
    """Takes away every freeze of `topologies`, the tags first; gives back what was frozen.

    Raises TcError, before anything is removed, when a parameter of that name lacks the mark.
    """
    found = frozen(aws, [part.scope for part in topologies])
    owners = aws.map(lambda one: _mark(aws, one.parameter), found)
    foreign = [one for one, owner in zip(found, owners, strict=True) if owner != one.owner]
    if foreign:
        raise TcError(
            f"{foreign[0].parameter} lacks the mark of {foreign[0].owner}: tc didn't write it",
            code="not-owned",
            where=foreign[0].parameter,
            hint=f"aws ssm delete-parameter --name {foreign[0].parameter}",
        )
    tag_functions(aws, topologies, on=False)
    aws.map(lambda one: _remove(aws, one.parameter), found)
    return found


def tag_functions(aws: Aws, topologies: Sequence[Topology], *, on: bool) -> None:
    """Has each function of `topologies` say whether it is frozen; one that says so already, or
    isn't the sandbox's, is left as it is."""
    indexes = aws.map(lambda part: (part, read_index(aws, part.scope)), topologies)
    scopes = {
        name: part.scope
        for part, index in indexes
        for name in (*function.owned(index), *map(part.function_name, part.functions))
    }
    aws.map(lambda name: _tag(aws, scopes[name], name, on=on), sorted(scopes))


def _tag(aws: Aws, scope: Scope, name: str, *, on: bool) -> None:
    with defaults.if_there():
        live = aws.call("lambda", "get_function", FunctionName=name)
        arn, tags = live["Configuration"]["FunctionArn"], live.get("Tags", {})
        if tags.get(OWNER_TAG) != scope.owner or (FROZEN_TAG in tags) == on:
            return
        if on:
            aws.call("lambda", "tag_resource", Resource=arn, Tags={FROZEN_TAG: "true"})
        else:
            aws.call("lambda", "untag_resource", Resource=arn, TagKeys=[FROZEN_TAG])


def tells(plan: Plan) -> bool:
    """Whether what was read for `plan` tells that nothing is frozen: all it does is to bring code
    to functions that don't say so."""
    return all(_brings_code(step) for step in plan.work)


def _brings_code(step: Step) -> bool:
    if step.kind != function.KIND or step.action is not Action.UPDATE or step.actual is None:
        return False
    only_code = all(change.path == "code" for change in step.changes)
    return only_code and not step.actual.outputs["frozen"]


def _mark(aws: Aws, parameter: str) -> str:
    listed = aws.call(
        "ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId=parameter
    )
    tags = {tag["Key"]: tag["Value"] for tag in listed.get("TagList", [])}
    return str(tags.get(OWNER_TAG, ""))


def _remove(aws: Aws, parameter: str) -> None:
    try:
        aws.call("ssm", "delete_parameter", Name=parameter)
    except AwsError as error:
        if error.aws_code != "ParameterNotFound":
            raise
