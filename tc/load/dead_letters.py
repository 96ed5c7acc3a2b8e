"""`dlq: true` of an event or a schedule is a queue of its own, as if it stood in `queues`."""

from __future__ import annotations

from collections.abc import Mapping

from tc.load.sections import Sections
from tc.spec.base import Strict

_ENDING = "-dlq"
_SECTIONS = ("events", "schedules")


def add_dead_letter_queues(sections: Sections, models: Mapping[str, type[Strict]]) -> None:
    """Adds the queue `X-dlq` for each X that wants one; one that is written stays."""
    for section in _SECTIONS:
        entries = sections.good.get(section, {})
        for name, entry in entries.items():
            if getattr(entry, "dlq", None) is not True:
                continue
            queue = f"{name}{_ENDING}"
            entries[name] = entry.model_copy(update={"dlq": queue})
            if ("queues", queue) not in sections.addresses:
                at = sections.addresses[section, name] / "dlq"
                sections.good.setdefault("queues", {})[queue] = models["queues"]()
                sections.addresses["queues", queue] = at
