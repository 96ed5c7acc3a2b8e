"""What a user says of a schedule, and what Scheduler would refuse of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from tc.components.dead_letters import check_dead_letters
from tc.compose.expressions import moment, problems, zones
from tc.compose.permissions.schedule import action_on, services
from tc.spec.base import Entity
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

UTC_ZONE = "UTC"
#: minutes (CreateSchedule)
_LONGEST_WINDOW = 1440
_FORM = re.compile(r"(cron|rate|at)\(")
_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_UNIX_FIELDS = 5


class ScheduleModel(Entity):
    """`schedules.X`: when something starts, and what."""

    expression: str | None = Field(None, description="cron(…), rate(…) or at(…)")
    cron: str | None = Field(
        None, description="six fields: minutes hours day-of-month month day-of-week year"
    )
    function: str | None = Field(None, description="the function that it invokes")
    state: str | None = Field(None, description="`flow`: the flow that it starts")
    flow: str | None = Field(None, description="the same as `state`")
    target: str | None = Field(None, description="a function's name, or an ARN")
    payload: Any = Field(None, description="what the target gets, as data or text")
    timezone: str | None = Field(None, description="name of a time zone; `UTC`")
    enabled: bool | dict[str, bool] = Field(
        True, description="false, or by env: `{prod: true}` is only there"
    )
    retries: Annotated[int, Field(ge=0, le=185)] | None = Field(
        None, description="times that it is tried again when the target can't be reached; 185"
    )
    maximum_event_age_in_seconds: Annotated[int, Field(ge=60, le=86400)] | None = Field(
        None, description="seconds after which it isn't tried again; 86,400"
    )
    dlq: bool | str | None = Field(
        None,
        validation_alias=AliasChoices("dlq", "dead_letter_queue"),
        description="what couldn't be started: `true`, a queue's name or ARN",
    )
    window: Annotated[int, Field(ge=0, le=_LONGEST_WINDOW)] | None = Field(
        None, description="minutes within which it may start; none"
    )

    def targets(self) -> list[tuple[str, str]]:
        found = super().targets()
        if self.flow:
            found.append(("flow", self.flow))
        if self.target and not self.target.startswith("arn:"):
            found.append(("function", self.target))
        return found

    def target_key(self, kind: str) -> str:
        keys = {"function": ("function", "target"), "flow": ("state", "flow")}[kind]
        return next(key for key in keys if getattr(self, key))

    def when(self) -> str:
        """The expression as Scheduler takes it."""
        written = (self.expression or self.cron or "").strip()
        return written if _FORM.match(written) or not self.cron else f"cron({written})"

    def label(self, name: str) -> str:
        return f"{name} {self.when()}"

    def zone(self) -> str:
        return self.timezone or UTC_ZONE

    def is_enabled(self, env: str) -> bool:
        """In an env that isn't told of: as `default` says, or else as no other one is."""
        if isinstance(self.enabled, bool):
            return self.enabled
        others = not any(self.enabled.values())
        return self.enabled.get(env, self.enabled.get("default", others))


def model_of(entry: Entry) -> ScheduleModel:
    assert isinstance(entry.model, ScheduleModel)
    return entry.model


def check(topology: Topology) -> Iterator[Finding]:
    for entry in topology.entries.get("schedules", {}).values():
        if not _NAME.match(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` can't name a schedule: letters, digits and `._-` only",
                entry.address,
                at="key",
            )
        yield from _check_when(entry)
        yield from _check_target(entry)
        yield from check_dead_letters(topology, entry)


def _check_when(entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    key = "cron" if model.expression is None else "expression"
    if model.expression is not None and model.cron is not None:
        yield Finding(
            "both", "write `expression` or `cron`, not both", entry.address / "cron", at="key"
        )
    elif not model.when():
        yield Finding(
            "missing-key",
            f"the schedule `{entry.name}` doesn't say when",
            entry.address,
            "write `expression: rate(1 hour)`, `cron(0 6 * * ? *)` or `at(2030-12-31T23:59:59)`",
            at="key",
        )
    else:
        for problem in problems(model.when()):
            yield Finding("bad-schedule", problem, entry.address / key, _hint(model.when()))
    if zones() and model.zone() not in zones():
        yield Finding(
            "bad-zone",
            f"there is no time zone `{model.timezone}`",
            entry.address / "timezone",
            "write a name such as Europe/Paris",
        )
        return
    at = moment(model.when(), model.zone())
    if at and at < datetime.now(UTC):
        yield Finding(
            "past-schedule",
            f"`{model.when()}` is over: the schedule `{entry.name}` never starts anything again",
            entry.address / key,
            "take it out",
            severity="warning",
        )


def _hint(expression: str) -> str:
    """What was meant by a line of crontab."""
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != _UNIX_FIELDS or not expression.startswith("cron("):
        return ""
    day, weekday = ("?", fields[4]) if fields[4] != "*" else (fields[2], "?")
    return f"write cron({fields[0]} {fields[1]} {day} {fields[3]} {weekday} *); 1 is Sunday"


def _check_target(entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    keys = [key for key in ("function", "state", "flow", "target") if getattr(model, key)]
    if not keys:
        yield Finding(
            "no-target",
            f"the schedule `{entry.name}` starts nothing",
            entry.address,
            "write `function`, `state` or `target`",
            at="key",
        )
    for key in keys[1:]:
        yield Finding(
            "targets",
            f"a schedule starts one thing: write `{keys[0]}` or `{key}`",
            entry.address / key,
            at="key",
        )
    if model.target and model.target.startswith("arn:") and not action_on(model.target):
        yield Finding(
            "bad-target",
            f"tc can't let a schedule start `{model.target}`",
            entry.address / "target",
            f"ARNs of {', '.join(services())} can be targets",
        )
