"""What functions print goes to their log group: one stream per environment, real times.

Why: the engine makes a stream for every invocation, which is never the one that
`context.log_stream_name` names, and stamps every line with one time, so `tc logs` couldn't merge
the logs of several functions in order. It also makes a log group anew that was deleted: a function
that outlives its sandbox for a moment would leave one behind, which roles that tc makes forbid.
"""

from __future__ import annotations

import time
from typing import Any

from .log_lines import LogText
from .needs import need, replace

KEPT = 10_000  # events of a stream; the state is saved whole after each command

_seen: set[str] = set()  # groups that functions wrote to


def install() -> None:
    need("services.cloudwatch_logs", "_log_groups")
    need("services.cloudwatch_logs", "_make_group_arn", "name")
    need("services.cloudwatch_logs", "_append_log_events", "stream", "events")
    shape = ("group_name", "stream_name")
    need("services.cloudwatch_logs", "_fanout_to_subscription_filters", *shape)
    original = need("services.lambda_svc", "_emit_lambda_logs", "func", "request_id", "log_text")

    def emit(func: dict[str, Any], request_id: str, log_text: str, *rest: Any, **more: Any) -> None:
        if isinstance(log_text, LogText):
            write(func.get("config") or func, log_text)
        else:
            original(func, request_id, log_text, *rest, **more)

    replace("services.lambda_svc", "_emit_lambda_logs", emit)


def write(config: dict[str, Any], text: LogText) -> None:
    from ministack.services import cloudwatch_logs as logs

    now = int(time.time() * 1000)
    group = (config.get("LoggingConfig") or {}).get("LogGroup")
    group = group or f"/aws/lambda/{config['FunctionName']}"
    name = text.stream or f"{time.strftime('%Y/%m/%d')}/[$LATEST]{'0' * 32}"
    arn = logs._make_group_arn(group)
    if group not in logs._log_groups:
        if arn in _seen:
            return
        logs._log_groups[group] = _new_group(arn, now)
    _seen.add(arn)
    streams = logs._log_groups[group]["streams"]
    stream = streams.setdefault(name, _new_stream(now))
    events = [{"timestamp": at, "message": line, "ingestionTime": now} for at, line in text.lines]
    logs._append_log_events(stream, events)
    del stream["events"][:-KEPT]
    sent = [{"timestamp": at, "message": line} for at, line in text.lines]
    logs._fanout_to_subscription_filters(group, name, sent)


def _new_group(arn: str, now: int) -> dict[str, Any]:
    return {
        "arn": arn,
        "creationTime": now,
        "retentionInDays": None,
        "tags": {},
        "subscriptionFilters": {},
        "streams": {},
    }


def _new_stream(now: int) -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": now,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
