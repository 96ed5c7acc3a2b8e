"""How the new versions do: calls and errors of functions, executions of flows.

Functions: the metrics Invocations and Errors of AWS/Lambda, which a call by an alias has with the
dimensions FunctionName, Resource and ExecutedVersion, and a call by a version (from a flow) with
FunctionName and Resource ("Types of metrics for Lambda functions"). Standard flows: ListExecutions
of the version, which needs no metric and is there at once. Express flows, which that doesn't list:
the metrics of AWS/States with the dimensions StateMachineArn and Version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tc.components.protocol import Aws
from tc.deploy.canary_moves import Move
from tc.errors import AwsError
from tc.records import dataclass
from tc.spec.function import ALIAS

#: queries in a call (GetMetricData)
_QUERIES = 500
_PERIOD = 60
#: executions in a page (ListExecutions); more are counted as so many
_PAGE = 1_000
_FAILED = ("FAILED", "TIMED_OUT")
Metric = tuple[str, str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the new version of one thing did since the canary began."""

    title: str
    calls: int
    errors: int

    @property
    def text(self) -> str:
        """``function etl_load_stable: 3 of 41 calls``"""
        return f"{self.title}: {self.errors} of {self.calls} call{'s' * (self.calls != 1)}"


def watched(aws: Aws, moves: Sequence[Move], since: datetime) -> list[Seen]:
    """What was called and what failed of each since `since`: one call for all functions and
    Express flows, three for each Standard flow."""
    flows = [move for move in moves if move.of_flow]
    found = aws.map(lambda move: _executions(aws, move, since), flows)
    listed = {move.step.key: one for move, one in zip(flows, found, strict=True) if one}
    metrics = {move.step.key: _metrics(move) for move in moves if move.step.key not in listed}
    sums = _sums(aws, [one for pair in metrics.values() for some in pair for one in some], since)

    def counted(key: str) -> tuple[int, int]:
        calls, errors = (sum(sums[_key(one)] for one in some) for some in metrics[key])
        return calls, errors

    seen = []
    for move in moves:
        calls, errors = listed.get(move.step.key) or counted(move.step.key)
        # CloudWatch may know an error before its call
        seen.append(Seen(move.title, max(calls, errors), errors))
    return seen


def _metrics(move: Move) -> tuple[list[Metric], list[Metric]]:
    """The metrics of the new version: those of its calls, and those of what failed."""
    if move.of_flow:
        flow = {"StateMachineArn": move.arn, "Version": move.after.rpartition(":")[2]}
        failed = ("ExecutionsFailed", "ExecutionsTimedOut")
        started: Metric = ("AWS/States", "ExecutionsStarted", flow)
        return [started], [("AWS/States", name, flow) for name in failed]
    by_alias = {
        "FunctionName": move.name,
        "Resource": f"{move.name}:{ALIAS}",
        "ExecutedVersion": move.after,
    }
    by_version = {"FunctionName": move.name, "Resource": f"{move.name}:{move.after}"}
    ways = (by_alias, by_version)
    return (
        [("AWS/Lambda", "Invocations", one) for one in ways],
        [("AWS/Lambda", "Errors", one) for one in ways],
    )


def _key(metric: Metric) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return metric[0], metric[1], tuple(metric[2].items())


def _sums(aws: Aws, metrics: Sequence[Metric], since: datetime) -> dict[Any, int]:
    """The sum of each metric since `since`; a metric that nobody wrote yet is 0."""
    sums = {_key(metric): 0 for metric in metrics}
    keys = list(sums)
    for start in range(0, len(keys), _QUERIES):
        part = keys[start : start + _QUERIES]
        queries = [_query(number, key) for number, key in enumerate(part)]
        found = aws.pages(
            "cloudwatch",
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=queries,
            StartTime=since,
            EndTime=datetime.now(UTC) + timedelta(seconds=_PERIOD),
        )
        for result in found:
            sums[part[int(result["Id"][1:])]] += round(sum(result["Values"]))
    return sums


def _query(number: int, key: tuple[str, str, tuple[tuple[str, str], ...]]) -> dict[str, Any]:
    namespace, name, dimensions = key
    named = [{"Name": one, "Value": value} for one, value in dimensions]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": named}
    return {
        "Id": f"m{number}",
        "MetricStat": {"Metric": metric, "Period": _PERIOD, "Stat": "Sum"},
        "ReturnData": True,
    }


def _executions(aws: Aws, move: Move, since: datetime) -> tuple[int, int] | None:
    """Executions of the new version of a Standard flow, and how many failed; None for an
    Express one, of which Step Functions lists nothing."""
    try:
        every = _count(aws, move.after, since)
    except AwsError as error:
        if error.aws_code == "StateMachineTypeNotSupported":
            return None
        raise
    return every, sum(_count(aws, move.after, since, statusFilter=one) for one in _FAILED)


def _count(aws: Aws, version: str, since: datetime, **more: str) -> int:
    found = aws.call(
        "stepfunctions", "list_executions", stateMachineArn=version, maxResults=_PAGE, **more
    )["executions"]
    return sum(_utc(one["startDate"]) >= since for one in found)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
