"""Moments: RFC 3339 with a capital `T`, and `Z` or an offset."""

from __future__ import annotations

import re

from tc.compose.asl.node import Node
from tc.compose.asl.walk import shown

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)\Z")


def timestamp(node: Node) -> None:
    value = node.value
    if isinstance(value, str) and ("{{" in value or _MOMENT.match(value)):
        return
    node.fail(f"must be a moment such as `2026-01-31T06:00:00Z`, not {shown(value)}")
