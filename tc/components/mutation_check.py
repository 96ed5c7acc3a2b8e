"""What AppSync would refuse of a topology's mutations."""

from __future__ import annotations

from collections.abc import Iterator

from tc.components.appsync import authorizer_function
from tc.components.mutation_api import described, keys_of
from tc.components.mutation_model import MutationModel, api_of, model_of
from tc.compose import graphql
from tc.spec.finding import Address, Finding
from tc.spec.topology import Entry, Topology

_TARGETS = ("function", "event", "table")


def check(topology: Topology) -> Iterator[Finding]:
    api = api_of(topology)
    if api is None:
        return
    entries = topology.entries["mutations"]
    # a mutation stands at `mutations.resolvers.NAME`
    first = next(iter(entries.values())).address
    top = Address(first.file, first.path[:-2])
    for path, message, hint in graphql.problems(described(topology)):
        address = top
        for key in path:
            address = address / key
        yield Finding("bad-schema", message, address, hint, "value" if len(path) == 3 else "key")
    if api.authorizer and authorizer_function(topology, api.authorizer) is None:
        hint = f"there are: {', '.join(topology.functions) or 'none'}"
        message = f"there is no function `{api.authorizer}`"
        yield Finding("unknown-name", message, top / "authorizer", hint)
    for entry in entries.values():
        yield from _check_targets(topology, entry, model_of(entry))


def _check_targets(topology: Topology, entry: Entry, model: MutationModel) -> Iterator[Finding]:
    said = [key for key in _TARGETS if getattr(model, key)]
    if len(said) > 1:
        message = f"a mutation does one thing, and `{said[0]}` and `{said[1]}` are two"
        yield Finding("both", message, entry.address / said[1], "keep one of them", "key")
    for kind, name in entry.targets:
        if kind == "flow":
            yield Finding(
                "bad-target",
                f"a mutation can't start the flow that `{name}` is the head of",
                entry.address / "function",
                "send an event: `event: NAME` here, and `function:` at the event",
            )
        elif kind == "table" and name in topology.entries.get("tables", {}):
            yield from _check_keys(topology, entry, model, name)
        elif kind == "event" and not model.input:
            message = "an event needs a detail, and this mutation has no `input`"
            yield Finding("missing-key", message, entry.address, "write `input:`", "key")


def _check_keys(
    topology: Topology, entry: Entry, model: MutationModel, table: str
) -> Iterator[Finding]:
    """What is put into a table has its key."""
    made = graphql.schema(described(topology))
    name = graphql.input_name(described(topology), entry.name)
    fields = made.get(f"input {name}", {})
    missing = [key for key in keys_of(topology, table) if key not in fields]
    if missing:
        yield Finding(
            "missing-key",
            f"the input of `{entry.name}` lacks `{missing[0]}`, the key of the table `{table}`",
            entry.address / "input" if model.input else entry.address,
            f"add `{missing[0]}: ID!` to it",
            "value" if model.input else "key",
        )
