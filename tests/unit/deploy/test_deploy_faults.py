"""Each call fails once, or its answer is lost: what is left, and what the next run makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, failures, settled
from fake_aws import READS, FakeAws, Hook, refused

TOPOLOGIES = {
    "http": "name: etl\nroutes: {/a: {function: one}, /b: {gateway: shared, event: E}}\n"
    "events: {E: {function: two}}\n",
    "rest": "name: etl\nroutes: {/a: {function: one}}\nevents: {E: {function: one}}\n"
    "functions: {one: {function: two}}\n",
}


def failing(number: int) -> Hook:
    """A hook that refuses the writing call with this number, and no other."""
    left = [number]

    def fail(operation: str, _: dict[str, Any]) -> Exception | None:
        if operation.split(".")[1].startswith(READS):
            return None
        left[0] -= 1
        return refused("InternalFailure", f"call {operation}") if left[0] == -1 else None

    return fail


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("kind", list(TOPOLOGIES))
def test_whichever_call_fails_a_second_run_mends_it(
    directory: Directory, kind: str, lost: bool
) -> None:
    topology = directory.write(TOPOLOGIES[kind], "one two").topology()
    whole = FakeAws()
    create(whole, topology)
    total = len(whole.writes())
    assert total > 10
    for number in range(total):
        aws = FakeAws()
        if lost:
            aws.after = failing(number)
        else:
            aws.hook = failing(number)
        first = create(aws, topology)
        failed = failures(first)
        assert len(failed) == 1, failed
        assert failures(create(aws, topology)) == [], failed
        settled(aws, topology)
        assert delete(aws, topology).ok
        assert aws.is_empty(), failed


@pytest.mark.parametrize("kind", list(TOPOLOGIES))
def test_whichever_call_of_delete_fails_a_second_run_ends_it(
    directory: Directory, kind: str
) -> None:
    topology = directory.write(TOPOLOGIES[kind], "one two").topology()
    whole = FakeAws()
    create(whole, topology)
    whole.forget()
    delete(whole, topology)
    for number in range(len(whole.writes())):
        aws = FakeAws()
        create(aws, topology)
        aws.hook = failing(number)
        failed = failures(delete(aws, topology))
        assert len(failed) == 1
        assert failures(delete(aws, topology)) == []
        assert aws.is_empty(), failed
