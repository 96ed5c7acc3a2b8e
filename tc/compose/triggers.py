"""Cognito triggers: what a user pool asks a function, by the names of its `LambdaConfig`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tc.compose.producers import producers
from tc.spec.topology import Entry, Id, Topology

Entries = Mapping[str, Mapping[str, Entry]]

#: triggers whose answer Cognito waits for or that it tells (LambdaConfigType)
TRIGGERS = (
    "PreSignUp",
    "PostConfirmation",
    "PreAuthentication",
    "PostAuthentication",
    "PreTokenGeneration",
    "CustomMessage",
    "UserMigration",
    "DefineAuthChallenge",
    "CreateAuthChallenge",
    "VerifyAuthChallengeResponse",
)
_PRODUCER = "cognito/"
_BY_WORD = {name.lower(): name for name in TRIGGERS}
_JOINERS = re.compile(r"[_-]")


def trigger_named(written: str) -> str:
    """`PreSignUp` for ``pre_sign_up``, ``PRE_SIGNUP``, ``preSignUp``; empty for no trigger."""
    return _BY_WORD.get(_JOINERS.sub("", written).lower(), "")


def trigger_of(producer: str) -> str:
    """The trigger that an event's producer means (``Cognito/PRE_SIGNUP``), else empty."""
    if not producer.lower().startswith(_PRODUCER):
        return ""
    return trigger_named(producer[len(_PRODUCER) :])


def of_pools(entry: Entry) -> bool:
    """Whether the event is one of Cognito, so that it has no rule."""
    return any(trigger_of(producer) for producer in producers(entry))


def pools_of(entries: Entries, entry: Entry) -> list[str]:
    """The pools that the trigger, or event, `entry` is about: the one it names, or all."""
    named = getattr(entry.model, "pool", None)
    return [name for name in entries.get("pools", {}) if named in (None, name)]


def asked_of(topology: Topology) -> dict[tuple[str, str], list[tuple[Entry, Id]]]:
    """(pool, trigger) -> who wants to be asked: the entries and their targets."""
    found: dict[tuple[str, str], list[tuple[Entry, Id]]] = {}
    for entry, trigger in _deployed(topology):
        for pool in pools_of(topology.entries, entry):
            for target in entry.targets:
                found.setdefault((pool, trigger), []).append((entry, target))
    return found


def _deployed(topology: Topology) -> list[tuple[Entry, str]]:
    """The entries that say of a trigger, with its name."""
    sandbox = topology.scope.sandbox
    triggers = topology.entries.get("triggers", {}).values()
    events = [
        entry
        for entry in topology.entries.get("events", {}).values()
        if getattr(entry.model, "deployed", lambda _: True)(sandbox)
    ]
    found = [(entry, trigger_named(entry.name)) for entry in triggers]
    found += [
        (entry, trigger)
        for entry in events
        for trigger in dict.fromkeys(trigger_of(producer) for producer in producers(entry))
    ]
    return [(entry, trigger) for entry, trigger in found if trigger]
