"""PutEvents refuses the entries that EventBridge refuses.

Why: the engine takes an event without a source, a detail type or a detail, or with a detail that is
no JSON object, and delivers it; on AWS it would never arrive.
"""

from __future__ import annotations

import json
from typing import Any

from .needs import need, replace

MODULE = "services.eventbridge"
REQUIRED = ("Source", "DetailType", "Detail")


def install() -> None:
    original = need(MODULE, "_put_events", "data", "allow_aws_source")

    def put(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        entries = data.get("Entries") or []
        errors = [refusal(entry) for entry in entries]
        good = [entry for entry, error in zip(entries, errors, strict=True) if error is None]
        if len(good) == len(entries) or len(entries) > 10:
            return original(data, allow_aws_source)
        status, headers, body = original({**data, "Entries": good}, allow_aws_source)
        answer = json.loads(body)
        taken = iter(answer["Entries"])
        answer["Entries"] = [next(taken) if error is None else error for error in errors]
        answer["FailedEntryCount"] += len(entries) - len(good)
        return status, headers, json.dumps(answer).encode()

    replace(MODULE, "_put_events", put)


def refusal(entry: dict[str, Any]) -> dict[str, str] | None:
    """What EventBridge answers for an entry that it doesn't take."""
    for name in REQUIRED:
        if not entry.get(name):
            text = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": text}
    detail = entry["Detail"]
    try:
        found = json.loads(detail) if isinstance(detail, str) else detail
    except ValueError:
        found = None
    if isinstance(found, dict):
        return None
    return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
