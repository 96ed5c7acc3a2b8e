"""Layers by what they were built of: also when newer ones were published since."""

from __future__ import annotations

from fake_store import FakeStore

from tc.publish.versions import marked
from tc.spec.layer import Mark

OLD, NEW = "a" * 64, "b" * 64


def test_the_newest_layer_is_found_in_two_calls() -> None:
    aws = FakeStore()
    arn = aws.publish("etl-enhancer", str(Mark("etl", NEW)))
    found = marked(aws, "etl-enhancer", NEW)
    assert found
    assert found.arns == (arn,)
    assert len(aws.calls) == 2


def test_an_older_layer_is_found_behind_newer_ones() -> None:
    aws = FakeStore()
    arn = aws.publish("etl-enhancer", str(Mark("etl", OLD)))
    aws.publish("etl-enhancer", str(Mark("etl", NEW)))
    aws.publish("etl-enhancer", "made by hand")
    found = marked(aws, "etl-enhancer", OLD)
    assert found
    assert found.arns == (arn,)
    assert marked(aws, "etl-enhancer", "c" * 64) is None
    assert marked(aws, "etl-loader", OLD) is None


def test_an_older_split_layer_is_found_with_its_parts() -> None:
    aws = FakeStore()
    arns = [aws.publish(f"etl-enhancer-{part}", str(Mark("etl", OLD, part, 2))) for part in (1, 0)]
    for part in (1, 0):
        aws.publish(f"etl-enhancer-{part}", str(Mark("etl", NEW, part, 2)))
    found = marked(aws, "etl-enhancer", OLD)
    assert found
    assert found.arns == (arns[1], arns[0])
