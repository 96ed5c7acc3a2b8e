"""Names: what tc accepts, and how it makes those of AWS things."""

from __future__ import annotations

import hashlib
import re

#: namespaces and sandboxes: joined names can be read back and never collide
NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
#: functions and other entities
ENTITY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")

_HASH_LENGTH = 8


def shorten(name: str, limit: int) -> str:
    """`name`, or when it is longer than `limit`: cut, with a hash of the whole at its end."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: limit - _HASH_LENGTH - 1]}-{digest}"
