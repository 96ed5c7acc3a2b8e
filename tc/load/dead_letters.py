"""`dlq: true` of an event is a queue of its own, as if it stood in `queues`."""

from __future__ import annotations

from collections.abc import Mapping

from tc.load.sections import Sections
from tc.spec.base import Strict

_ENDING = "-dlq"


def add_dead_letter_queues(sections: Sections, models: Mapping[str, type[Strict]]) -> None:
    """Adds the queue `X-dlq` for each event X that wants one; one that is written stays."""
    events = sections.good.get("events", {})
    for name, event in events.items():
        if getattr(event, "dlq", None) is not True:
            continue
        queue = f"{name}{_ENDING}"
        events[name] = event.model_copy(update={"dlq": queue})
        if ("queues", queue) not in sections.addresses:
            at = sections.addresses["events", name] / "dlq"
            sections.good.setdefault("queues", {})[queue] = models["queues"]()
            sections.addresses["queues", queue] = at
