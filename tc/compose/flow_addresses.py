"""Addresses of the sandbox's own things in a flow: ``{{queues.jobs.url}}`` in a task's parameters.

They become text before the flow's tasks are looked at, so that an address is an edge, and gives
its permission, as a written name does. So only what names derive from can stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tc.compose.leaves import Things
from tc.compose.references import Names
from tc.compose.things import (
    activity_arn,
    activity_name,
    bucket_arn,
    bucket_name,
    job_arn,
    job_name,
    queue_arn,
    queue_name,
    queue_url,
    stream_arn,
    stream_name,
    table_arn,
    table_name,
    workgroup_arn,
    workgroup_name,
)
from tc.spec.addresses import ThingAddress, split_addresses
from tc.spec.finding import Address, Finding
from tc.spec.scope import Scope
from tc.spec.topology import Entry

_Named = Callable[[Scope, str], str]
_NAMED: dict[str, dict[str, _Named]] = {
    "activity": {"arn": activity_arn, "name": activity_name},
    "bucket": {"arn": bucket_arn, "name": bucket_name},
    "job": {"arn": job_arn, "name": job_name},
    "stream": {"arn": stream_arn, "name": stream_name},
    "table": {"arn": table_arn, "name": table_name},
    "workgroup": {"arn": workgroup_arn, "name": workgroup_name},
}
_QUEUE: dict[str, Callable[[Scope, Entry], str]] = {
    "arn": queue_arn,
    "name": queue_name,
    "url": queue_url,
}


def fill_definition(
    definition: Any, at: Address, things: Things, names: Names, findings: list[Finding]
) -> Any:
    """`definition`, which is written at `at`, with the value of each address in its texts."""

    def filled(value: Any, where: Address) -> Any:
        if isinstance(value, Mapping):
            return {key: filled(one, where / key) for key, one in value.items()}
        if isinstance(value, list):
            return [filled(one, where / index) for index, one in enumerate(value)]
        if not isinstance(value, str) or "{{" not in value or value.startswith("{%"):
            return value
        parts = [
            part if isinstance(part, str) else _value(part, where, things, names, findings)
            for part in split_addresses(value)
        ]
        return "".join(parts)

    return filled(definition, at)


def _value(
    address: ThingAddress, at: Address, things: Things, names: Names, findings: list[Finding]
) -> str:
    known = _QUEUE if address.kind == "queue" else _NAMED.get(address.kind, {})
    if address.attr not in known:
        attrs = ", ".join(known)
        hint = f"there are: {attrs}" if known else "hand it to a function as a variable"
        message = f"a flow can't have the address `{address.text}`"
        findings.append(Finding("unknown-template", message, at, hint))
        return ""
    target, finding = names.resolve(address.kind, address.name, at)
    if finding:
        findings.append(finding)
    if target is None:
        return ""
    if address.kind == "queue":
        return _QUEUE[address.attr](things.scope, things.entries["queues"][target[1]])
    return _NAMED[address.kind][address.attr](things.scope, target[1])
