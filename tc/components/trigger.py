"""Cognito triggers: the functions that a user pool asks on the way of a sign-up or sign-in.

All triggers of a pool are one thing, since one call writes them all. Those that tc set
are named by a tag of the pool; others are the user's and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from tc.components import defaults
from tc.components.pool import pool_key, pool_name, rewrite
from tc.components.protocol import Aws, Outputs, Traits
from tc.compose.triggers import TRIGGERS, asked_of, of_pools, pools_of, trigger_named
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Id, Topology


class TriggerModel(Entity):
    """`triggers.X`: a function that the topology's user pools ask; X is `PreSignUp` or another."""

    function: str = Field(description="the function that is asked")
    pool: str | None = Field(None, description="of this pool only; all of the topology")


KIND = "trigger"
PLURAL = "triggers"
SECTION: tuple[str, type[Strict]] | None = (PLURAL, TriggerModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="entry", told_by="pool", comes_with=frozenset({"pool", "event"}))
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
settle = defaults.ready_at_once

#: of LambdaConfig: the same trigger with the version of its event beside it
_VERSIONED = {"PreTokenGeneration": "PreTokenGenerationConfig"}


# what AWS would refuse


def check(topology: Topology) -> Iterator[Finding]:
    for entry in topology.entries.get(PLURAL, {}).values():
        if not trigger_named(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` is no trigger of Cognito",
                entry.address,
                f"there are: {', '.join(TRIGGERS)}",
                at="key",
            )
        yield from _check_pool(topology, entry)
    for entry in topology.entries.get("events", {}).values():
        if of_pools(entry):
            yield from _check_pool(topology, entry)
    for (pool, trigger), asked in asked_of(topology).items():
        yield from _check_targets(pool, trigger, asked)


def _check_pool(topology: Topology, entry: Entry) -> Iterator[Finding]:
    if pools_of(topology.entries, entry):
        return
    named = getattr(entry.model, "pool", None)
    known = ", ".join(topology.entries.get("pools", {}))
    yield Finding(
        "unknown-name",
        f"there is no pool `{named}`" if named else "the topology has no user pool to ask it",
        entry.address / "pool" if named else entry.address,
        f"there are: {known}" if known else "write `pools: [users]`",
        at="value" if named else "key",
    )


def _check_targets(pool: str, trigger: str, asked: list[tuple[Entry, Id]]) -> Iterator[Finding]:
    for entry, (kind, name) in asked:
        if kind != "function":
            yield Finding(
                "no-such-edge",
                f"Cognito asks a function, and `{entry.name}` names the {kind} `{name}`",
                entry.address,
                "let a function without a target answer",
                at="key",
            )
    if len({target for _, target in asked}) > 1:
        entry = asked[-1][0]
        yield Finding(
            "duplicate-name",
            f"the pool `{pool}` can ask one function for {trigger}, and there are "
            f"{', '.join(f'`{name}`' for _, (_, name) in asked)}",
            entry.address,
            "keep one",
            at="key",
        )


# what should be


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    functions: dict[str, dict[str, str]] = {}
    entries: dict[str, list[Entry]] = {}
    for (pool, trigger), asked in asked_of(topology).items():
        entry, (kind, function) = asked[0]
        if kind == "function":
            functions.setdefault(pool, {})[trigger] = function
            entries.setdefault(pool, []).append(entry)
    for pool, by_trigger in functions.items():
        selectors = {PLURAL, "pools", f"pools/{pool}"}
        for entry in entries[pool]:
            section = PLURAL if entry.kind == KIND else "events"
            selectors |= {f"{section}/{entry.name}", section}
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{pool_name(scope, pool)}",
            name=pool_name(scope, pool),
            title=f"{', '.join(sorted(by_trigger))} of {pool}",
            owner=scope.owner,
            props={
                "functions": {
                    trigger: topology.function_arn(name) for trigger, name in by_trigger.items()
                }
            },
            needs=(
                pool_key(scope, pool),
                *sorted({topology.called_key(name) for name in by_trigger.values()}),
            ),
            selectors=frozenset(selectors),
            parent=pool_key(scope, pool),
            address=entries[pool][0].address,
            payload={"asks": sorted(set(by_trigger.values()))},
        )


# what is


def of_pool(pool: Actual, live: Mapping[str, Any], wanted: Iterable[str]) -> list[Actual]:
    """The triggers that tc set, and those among the `wanted` ones that somebody else did."""
    config = live.get("LambdaConfig", {})
    ours = defaults.has(live.get("UserPoolTags", {})) & set(TRIGGERS)
    known = (ours | set(wanted)) & set(config)
    functions = {name: config[name] for name in TRIGGERS if name in known}
    if not functions:
        return []
    return [
        Actual(
            kind=KIND,
            key=f"{KIND}/{pool.name}",
            name=pool.name,
            title=f"{', '.join(sorted(functions))} of {pool.title}",
            owner=pool.owner,
            props={"functions": functions},
            outputs={"pool": pool.outputs["id"]},
            parent=pool.key,
        )
    ]


# what to do


def _write(aws: Aws, number: str, functions: Mapping[str, str], before: Iterable[str]) -> None:
    """Sets `functions`, and takes out what was set `before` and isn't among them."""

    def edit(settings: dict[str, Any]) -> None:
        config = settings.setdefault("LambdaConfig", {})
        for name in set(before) - set(functions):
            config.pop(name, None)
            config.pop(_VERSIONED.get(name, ""), None)
        for name, arn in functions.items():
            config[name] = arn
            if _VERSIONED.get(name) in config:
                config[_VERSIONED[name]] = {**config[_VERSIONED[name]], "LambdaArn": arn}
        tags = defaults.without_has(settings.get("UserPoolTags", {}))
        settings["UserPoolTags"] = {**tags, **defaults.has_tag(functions)}

    rewrite(aws, number, edit)


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    number = resource.payload["parent"]["id"]
    _write(aws, number, resource.props["functions"], ())
    return {"pool": number}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    _write(
        aws, actual.outputs["pool"], resource.props["functions"], list(actual.props["functions"])
    )
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        _write(aws, actual.outputs["pool"], {}, list(actual.props["functions"]))
