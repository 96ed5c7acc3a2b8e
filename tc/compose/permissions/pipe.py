"""What pipes may do: read their source, and start their flow ("Permissions for Amazon
EventBridge Pipes to access resources")."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.polling import source_statements
from tc.compose.permissions.reach import reach
from tc.compose.pipes import pipes
from tc.spec.topology import RoleSpec


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for pipe in pipes(parts.entries, parts.scope.sandbox):
        # an Express flow is waited for, so that what it couldn't do comes again
        start = reach(parts, ("flow", pipe.flow), "sync", f"flow {pipe.flow}")
        yield RoleSpec(
            f"pipe.{pipe.name}",
            "pipes.amazonaws.com",
            ("pipe", pipe.name),
            once((*source_statements(parts, pipe.source), start)),
        )
