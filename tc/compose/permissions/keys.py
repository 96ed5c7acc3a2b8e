"""Keys of the user's own: who uses an encrypted bucket uses its key too."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts
from tc.spec.topology import Id, Statement


def key_statements(parts: Parts, target: Id, because: str) -> Iterator[Statement]:
    """What it takes, besides `reach`, to read and write `target`."""
    kind, name = target
    if kind == "bucket":
        key = getattr(parts.entries["buckets"][name].model, "encryption", None)
        if key:
            yield Statement(("kms:Decrypt", "kms:GenerateDataKey"), (key,), because)
