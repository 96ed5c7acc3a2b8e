"""``tc validate``"""

from __future__ import annotations

from tc.cli import options


def validate(
    service: options.Service = None,
    as_json: options.Json = False,
) -> None:
    """Check the topology here, offline.

    Tells every problem of every file in one run.
    """
    from tc.cli.run import read_topology, running

    with running(as_json=as_json) as run:
        _, topology = read_topology(run, service, None, None)
        family = topology.family()
        sizes = {
            "functions": sum(len(part.functions) for part in family),
            "routes": sum(len(part.entries.get("routes", {})) for part in family),
            "events": sum(len(part.entries.get("events", {})) for part in family),
            "flows": sum(len(part.flows) for part in family),
        }
        told = ", ".join(
            f"{count} {name if count != 1 else name[:-1]}" for name, count in sizes.items() if count
        )
        run.result(f"{topology.name} is valid: {told or 'nothing in it yet'}", valid=True, **sizes)
