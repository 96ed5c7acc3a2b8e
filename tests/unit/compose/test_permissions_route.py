"""What routes grant to their API, to the letter."""

from __future__ import annotations

import pytest
from composing import Directory

QUEUES = "queues: {jobs: {}, line: {fifo: true}, theirs: {name: 'arn:aws:sqs:eu-west-1:1:q'}}\n"
SQS = "arn:aws:sqs:eu-west-1:111122223333:etl_{}_bob"


@pytest.mark.parametrize(
    ("routes", "resources"),
    [
        ("/a: {queue: jobs}", {"api.etl": [SQS.format("jobs")]}),
        ("/a: {queue: line, gateway: g}", {"api.g": [SQS.format("line") + ".fifo"]}),
        ("/a: {queue: theirs}", {"api.etl": ["arn:aws:sqs:eu-west-1:1:q"]}),
        ("/a: {queue: jobs, doc_only: true}", {}),
        ("/a: {function: one, authorizer: one}", {}),
    ],
)
def test_a_route_to_a_queue_may_send_to_that_one(
    directory: Directory, routes: str, resources: dict[str, list[str]]
) -> None:
    directory.write(f"name: etl\n{QUEUES}routes: {{{routes}}}\n", "one")
    roles = {
        role.name: [statement.document() for statement in role.statements]
        for role in directory.topology().roles
        if role.entity[0] == "api"
    }
    wanted = {"Effect": "Allow", "Action": ["sqs:SendMessage"]}
    assert roles == {name: [{**wanted, "Resource": arns}] for name, arns in resources.items()}
