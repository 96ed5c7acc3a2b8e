"""What gives aliases back when nobody is left to do it: schedules that run once.

They lie in the sandbox's group and use a role of their own, which may do no more than these calls
on these aliases. All of it is the sandbox's and in no topology, so that the next deploy, `tc prune`
and `tc delete` remove what a run that was killed has left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from tc.components import defaults, role, schedule, schedule_group
from tc.components.protocol import Aws
from tc.components.schedule_group import group_name
from tc.deploy.canary_moves import Move, whole
from tc.errors import AwsError, TcError
from tc.plan.resource import Action, Resource, Step
from tc.spec.names import shorten
from tc.spec.scope import Scope

#: begins the names of the schedules, and is the role's
NAME = "tc-canary"


def schedule_name(move: Move) -> str:
    """The name in the group (Scheduler: at most 64 characters)."""
    kind = "flow" if move.of_flow else "function"
    return shorten(f"{NAME}-{kind}-{move.arn.rpartition(':')[2]}", 64)


def stand_by(aws: Aws, scope: Scope, moves: Sequence[Move], due: datetime) -> bool:
    """Makes a schedule for each alias, which gives it back at `due` (UTC); whether their group
    was made for that too."""
    arn = _role(aws, scope, moves)
    made = _group(aws, scope)
    aws.map(lambda move: _schedule(aws, scope, move, arn, due), moves)
    return made


def stand_down(aws: Aws, scope: Scope, moves: Sequence[Move], *, group: bool) -> None:
    """Removes the schedules and the role, and with `group` the group."""
    name = group_name(scope)
    aws.map(lambda move: _gone(aws, name, schedule_name(move)), moves)
    if group:
        with defaults.if_there():
            aws.call("scheduler", "delete_schedule_group", Name=name)
    for actual in role.read(aws, [_role_resource(scope, moves)]):
        role.delete(aws, actual)


def left_over(steps: Iterable[Step]) -> Iterator[str]:
    """The keys of those of `steps` that remove schedules which a run that was killed has left,
    and their group when nothing else is in it."""
    going = [step for step in steps if step.action is Action.DELETE]
    schedules = [step for step in going if step.kind == schedule.KIND]
    guards = [step for step in schedules if step.name.startswith(f"{NAME}-")]
    yield from (step.key for step in guards)
    if guards == schedules and guards:
        yield from (step.key for step in going if step.kind == schedule_group.KIND)


def withdraw(aws: Aws, moves: Iterable[Move]) -> None:
    """Removes the schedules of aliases that have the weights of a run that was killed; a plan for
    a part of the sandbox doesn't look for what is left over."""
    for move in moves:
        assert move.step.actual
        if move.step.actual.props["weights"]:
            namespace, _, sandbox = move.step.actual.owner.partition("@")
            _gone(aws, group_name(Scope(namespace, sandbox)), schedule_name(move))


def _gone(aws: Aws, group: str, name: str) -> None:
    with defaults.if_there():
        aws.call("scheduler", "delete_schedule", Name=name, GroupName=group)


def _role(aws: Aws, scope: Scope, moves: Sequence[Move]) -> str:
    """The ARN of the role; one that is left is made new, in case others stand in it."""
    resource = _role_resource(scope, moves)
    try:
        return role.create(aws, resource, ())["arn"]
    except AwsError as error:
        if not error.exists:
            raise
    for actual in role.read(aws, [resource]):
        if actual.owner != scope.owner:
            raise TcError(
                f"the role {resource.name} belongs to somebody else",
                code="not-owned",
                where=actual.outputs["arn"],
                hint="deploy without --canary, or have it removed",
            )
        role.delete(aws, actual)
    return role.create(aws, resource, ())["arn"]


def _role_resource(scope: Scope, moves: Sequence[Move]) -> Resource:
    name = role.role_name(scope, NAME)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": scope.account}},
    }
    return Resource(
        kind=role.KIND,
        key=role.role_key(scope, NAME),
        name=name,
        title=name,
        owner=scope.owner,
        props={
            "path": scope.role_path,
            "boundary": scope.fill(scope.role_boundary),
            "trust": {"Version": "2012-10-17", "Statement": [trust]},
            "policy": {"Version": "2012-10-17", "Statement": _statements(moves)},
            "tags": dict(scope.tags),
        },
        # as of a schedule's role, so that what is left is looked for
        payload={"tags": scope.marks, "for": f"schedule {NAME}"},
    )


def _statements(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """No more than the calls that give these aliases back."""
    functions = [move.arn for move in moves if not move.of_flow]
    flows = [arn for move in moves if move.of_flow for arn in (move.arn, move.name)]
    allowed = (("lambda:UpdateAlias", functions), ("states:UpdateStateMachineAlias", flows))
    return [
        {"Effect": "Allow", "Action": [action], "Resource": arns}
        for action, arns in allowed
        if arns
    ]


def _group(aws: Aws, scope: Scope) -> bool:
    name = group_name(scope)
    resource = Resource(
        kind=schedule_group.KIND,
        key=schedule_group.group_key(scope),
        name=name,
        title=name,
        owner=scope.owner,
        props={},
        payload={"tags": scope.marks},
    )
    try:
        schedule_group.create(aws, resource, ())
    except AwsError as error:
        if not error.exists:
            raise
        return False
    return True


def _schedule(aws: Aws, scope: Scope, move: Move, role_arn: str, due: datetime) -> None:
    given = {
        "Name": schedule_name(move),
        "GroupName": group_name(scope),
        "Description": f"gives {move.title} back when a canary of {scope.owner} was left alone",
        "ScheduleExpression": f"at({due:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": _target(scope, move),
            "RoleArn": role_arn,
            "Input": json.dumps(_capital(whole(move))),
        },
    }
    try:
        aws.insist(
            f"role of {move.title}", lambda: aws.call("scheduler", "create_schedule", **given)
        )
    except AwsError as error:
        # left by a run that was killed, or by a call whose answer was lost
        if not error.exists:
            raise
        aws.call("scheduler", "update_schedule", **given)


def _target(scope: Scope, move: Move) -> str:
    """What a schedule calls itself (EventBridge Scheduler user guide, "Universal targets")."""
    action = "sfn:updateStateMachineAlias" if move.of_flow else "lambda:updateAlias"
    return f"arn:{scope.partition}:scheduler:::aws-sdk:{action}"


def _capital(value: Any) -> Any:
    """Parameters as a universal target takes them: names that start with a capital."""
    if isinstance(value, dict):
        return {_key(name): _capital(one) for name, one in value.items()}
    return [_capital(one) for one in value] if isinstance(value, list) else value


def _key(name: str) -> str:
    return name[:1].upper() + name[1:]
