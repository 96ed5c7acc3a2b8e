"""Integrations of Step Functions, in the partition where the flow is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: an integration has neither region nor account, so that its partition says nothing of its own
_INTEGRATION = re.compile(r"arn:aws(?:-[a-z-]+)?(?=:states:::)")


def in_partition(value: Any, partition: str) -> Any:
    """`value` with ``arn:aws:states:::lambda:invoke`` as ``arn:aws-cn:states:::…``: a flow is
    written once, and Step Functions of another partition refuses the usual ARN."""
    if isinstance(value, str):
        return _INTEGRATION.sub(f"arn:{partition}", value) if value.startswith("arn:") else value
    if isinstance(value, list):
        return [in_partition(item, partition) for item in value]
    if isinstance(value, Mapping):
        return {key: in_partition(item, partition) for key, item in value.items()}
    return value
