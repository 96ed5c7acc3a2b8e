"""EventBridge pipes: how the messages of a queue, and the changes of a table, start a flow."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.producers import Entries, readers, reading_selectors
from tc.records import dataclass
from tc.spec.names import shorten
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Id, Topology

#: characters of a pipe's name (CreatePipe)
_LIMIT = 64
_SECTIONS = {"queue": "queues", "table": "tables"}


@dataclass(frozen=True, slots=True)
class Pipe:
    """From a queue or a table to a flow; `changes` of a table as in `readers`."""

    source: Id
    flow: str
    changes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{'.'.join(self.source)}.{self.flow}"

    @property
    def section(self) -> str:
        """Where its source is written."""
        return _SECTIONS[self.source[0]]

    def entry(self, entries: Entries) -> Entry:
        """Its source as it is written."""
        return entries[self.section][self.source[1]]

    def selectors(self, entries: Entries, sandbox: str) -> frozenset[str]:
        """What ``-c`` may say to mean it."""
        kind, name = self.source
        found = {"pipes", f"pipes/{self.name}", self.section, f"{self.section}/{name}"}
        if kind == "table":
            found |= reading_selectors(entries, sandbox, name, ("flow", self.flow))
        return frozenset(found)


def pipes(entries: Entries, sandbox: str) -> Iterator[Pipe]:
    """The pipes of a topology in a sandbox."""
    for name, queue in entries.get("queues", {}).items():
        for kind, flow in queue.targets:
            if kind == "flow":
                yield Pipe(("queue", name), flow)
    for (table, (kind, flow)), changes in readers(entries, sandbox).items():
        if kind == "flow":
            yield Pipe(("table", table), flow, frozenset(changes))


def pipe_name(scope: Scope, name: str) -> str:
    """The name on AWS of the pipe that is called `name` in its topology."""
    return shorten(f"{scope.namespace}_{name}_{scope.sandbox}", _LIMIT)


def pipe_selectors(topology: Topology, name: str) -> frozenset[str]:
    """What ``-c`` may say to mean the pipe `name`, or its role."""
    known = {pipe.name: pipe for pipe in pipes(topology.entries, topology.scope.sandbox)}
    return known[name].selectors(topology.entries, topology.scope.sandbox)
