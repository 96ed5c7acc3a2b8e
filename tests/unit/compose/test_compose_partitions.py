"""A topology that is written once, in each partition of AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from composing import Directory

from tc.compose.partitions import in_partition
from tc.spec.scope import dns_suffix

FLOW: dict[str, Any] = {
    "States": {
        "a": {
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {"text": "see arn:aws:states:::x", "arns": ["arn:aws:s3:::bucket"]},
        }
    }
}


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-iso-b", "aws"])
def test_integrations_are_those_of_the_partition(partition: str) -> None:
    state = in_partition(FLOW, partition)["States"]["a"]
    assert state["Resource"] == f"arn:{partition}:states:::lambda:invoke.waitForTaskToken"
    assert state["Arguments"] == FLOW["States"]["a"]["Arguments"]
    assert in_partition(in_partition(FLOW, partition), "aws") == FLOW


@pytest.mark.parametrize(
    ("partition", "suffix"),
    [
        ("aws", "amazonaws.com"),
        ("aws-us-gov", "amazonaws.com"),
        ("aws-cn", "amazonaws.com.cn"),
        ("aws-iso", "c2s.ic.gov"),
        ("aws-eusc", "amazonaws.eu"),
    ],
)
def test_hosts_end_as_those_of_the_partition(partition: str, suffix: str) -> None:
    assert dns_suffix(partition) == suffix


def test_a_written_flow_is_composed_in_the_partition_of_its_scope(tmp_path: Path) -> None:
    topology = """
name: etl
functions: { a: { uri: ./a } }
flow:
  StartAt: a
  States:
    a:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      Parameters: { FunctionName: "{{namespace}}_a_{{sandbox}}" }
      End: true
"""
    found = Directory(tmp_path).write(topology, "a").composed(partition="aws-us-gov")
    (flow,) = found.topology.flows.values()
    assert flow.definition["States"]["a"]["Resource"] == "arn:aws-us-gov:states:::lambda:invoke"
    assert flow.arn.startswith("arn:aws-us-gov:states:")
