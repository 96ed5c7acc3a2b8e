"""Layers in several regions: published once, whole, shared with those named, ours alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_store import FakeStore, refuse

from tc.errors import AwsError, TcError
from tc.events import Event, silent
from tc.publish.layers import carry_out, differing, plan, promote
from tc.publish.pruning import prune
from tc.publish.versions import Published, newest, pinned
from tc.spec.layer import BuiltLayer, LayerPart, Mark, Platform

TEMPLATE = "tc-artifacts-{{account}}-{{region}}"
HERE = "eu-west-1"
Built = Callable[..., BuiltLayer]


@pytest.fixture
def aws() -> FakeStore:
    return FakeStore()


@pytest.fixture
def built(tmp_path: Path) -> Built:
    def layer(
        *bodies: bytes, name: str = "etl-enhancer", owner: str = "etl", digest: str = ""
    ) -> BuiltLayer:
        parts = []
        for body in bodies:
            sha = hashlib.sha256(body).digest()
            path = tmp_path / sha.hex()
            path.write_bytes(body)
            parts.append(LayerPart(path, base64.b64encode(sha).decode(), len(body), 1000))
        digest = digest or hashlib.sha256(b"".join(bodies)).hexdigest()
        return BuiltLayer(name, owner, digest, Platform("python3.12", "arm64"), tuple(parts))

    return layer


def publish(
    aws: FakeStore,
    *layers: BuiltLayer,
    regions: tuple[str, ...] = (HERE,),
    share: tuple[str, ...] = (),
    adopt: bool = False,
    emit: Callable[[Event], None] = silent,
) -> dict[tuple[str, str], Published]:
    return carry_out(aws, plan(aws, layers, regions, adopt=adopt), TEMPLATE, share, emit)


def test_a_layer_is_published_from_the_bucket_with_its_mark(aws: FakeStore, built: Built) -> None:
    layer = built(b"body")
    told: list[Event] = []
    found = publish(aws, layer, emit=told.append)
    (version,) = aws.store.layers[HERE, "etl-enhancer"]
    assert version["Description"] == f"tc:layer etl {layer.digest} 0/1 1000"
    assert version["Content"]["CodeSha256"] == layer.parts[0].sha256
    assert version["CompatibleRuntimes"] == ["python3.12"]
    assert version["CompatibleArchitectures"] == ["arm64"]
    bucket = aws.store.buckets["tc-artifacts-111122223333-eu-west-1"]
    assert list(bucket["objects"]) == [f"layers/{hashlib.sha256(b'body').hexdigest()}.zip"]
    assert found["etl-enhancer", HERE].arns == (version["LayerVersionArn"],)
    assert [event.text for event in told] == [
        "Created bucket tc-artifacts-111122223333-eu-west-1",
        "Published layer etl-enhancer:1 in eu-west-1",
    ]


def test_what_has_not_changed_costs_no_write(aws: FakeStore, built: Built) -> None:
    layers = (built(b"body"), built(b"one", b"two", b"three", name="big"))
    regions = (HERE, "us-east-1")
    first = publish(aws, *layers, regions=regions, share=("999999999999",))
    aws.calls.clear()
    assert publish(aws, *layers, regions=regions, share=("999999999999",)) == first
    assert aws.writes() == []


def test_every_region_gets_it_from_a_bucket_of_its_own(aws: FakeStore, built: Built) -> None:
    publish(aws, built(b"body"), regions=(HERE, "us-east-1"))
    assert {region for region, name in aws.store.layers if aws.store.layers[region, name]} == {
        HERE,
        "us-east-1",
    }
    steps = plan(aws, [built(b"other")], (HERE, "us-east-1"))
    with pytest.raises(TcError) as told:
        carry_out(aws, steps, "one-bucket", (), silent)
    assert told.value.code == "one-bucket"


def test_parts_are_published_with_the_leading_one_last(aws: FakeStore, built: Built) -> None:
    order: list[str] = []

    def note(name: str, given: dict[str, Any]) -> None:
        if "publish" in name:
            order.append(given["LayerName"])

    aws.hook = note
    found = publish(aws, built(b"0", b"1", b"2"))
    assert order == ["etl-enhancer-2", "etl-enhancer-1", "etl-enhancer-0"]
    assert [part.name for part in found["etl-enhancer", HERE].parts] == order[::-1]


def test_an_interrupted_publication_is_finished(aws: FakeStore, built: Built) -> None:
    layer = built(b"0", b"1", b"2")

    def stop(name: str, given: dict[str, Any]) -> Exception | None:
        middle = "publish" in name and given["LayerName"] == "etl-enhancer-1"
        return refuse("AccessDenied") if middle else None

    aws.hook = stop
    with pytest.raises(AwsError):
        publish(aws, layer)
    assert newest(aws, "etl-enhancer") is None
    aws.hook = lambda name, given: None
    found = publish(aws, layer)["etl-enhancer", HERE]
    assert [part.number for part in found.parts] == [1, 1, 1]


def test_a_lost_answer_is_looked_for_before_anything_is_repeated(
    aws: FakeStore, built: Built
) -> None:
    lost = AwsError("no answer", aws_code="ReadTimeout", operation="x", status=0)
    aws.after = lambda name, given: lost if "publish" in name else None
    found = publish(aws, built(b"body"))["etl-enhancer", HERE]
    assert [part.number for part in found.parts] == [1]
    assert len(aws.store.layers[HERE, "etl-enhancer"]) == 1
    aws.after = lambda name, given: None
    aws.hook = lambda name, given: lost if "publish" in name else None
    with pytest.raises(AwsError):
        publish(aws, built(b"other"))


@pytest.mark.parametrize("mark", ["", str(Mark("billing", "0" * 64))])
@pytest.mark.parametrize("name", ["etl-enhancer", "etl-enhancer-1"])
def test_somebody_elses_layer_is_refused_before_the_first_write(
    aws: FakeStore, built: Built, name: str, mark: str
) -> None:
    aws.publish(name, mark)
    aws.calls.clear()
    with pytest.raises(TcError) as told:
        publish(aws, built(b"0", b"1"), built(b"mine", name="etl-other"))
    assert told.value.code == "not-owned"
    assert f"layer {name} in eu-west-1" in told.value.message
    assert aws.writes() == []
    found = publish(aws, built(b"0", b"1"), adopt=True)
    assert len(found["etl-enhancer", HERE].parts) == 2


def test_a_layer_that_was_split_and_is_no_longer_is_the_newer_one(
    aws: FakeStore, built: Built
) -> None:
    one, split = built(b"one"), built(b"0", b"1")
    for layer in (one, split, one, split):
        found = publish(aws, layer)["etl-enhancer", HERE]
        assert found.mark
        assert found.mark.digest == layer.digest
        assert newest(aws, "etl-enhancer") == found


def test_a_pin_means_all_parts_that_were_built_together(aws: FakeStore, built: Built) -> None:
    old, new = built(b"0", b"1"), built(b"2", b"3", b"4")
    was = publish(aws, old)["etl-enhancer", HERE]
    aws.publish("etl-enhancer-1", str(Mark("etl", "f" * 64, 1, 2)))
    publish(aws, new)
    assert pinned(aws, "etl-enhancer", 1) == was
    assert pinned(aws, "etl-enhancer", 9) is None
    now = newest(aws, "etl-enhancer")
    assert now
    assert [part.number for part in now.parts] == [2, 3, 1]


def test_a_layer_is_shared_with_those_named_and_nobody_else(aws: FakeStore, built: Built) -> None:
    layer = built(b"body")
    publish(aws, layer, share=("999999999999", aws.account))
    policy = aws.store.layers[HERE, "etl-enhancer"][0]["policy"]
    assert [one["Principal"] for one in policy.values()] == [
        {"AWS": "arn:aws:iam::999999999999:root"}
    ]
    policy["mine"] = {"Sid": "mine"}
    publish(aws, layer, share=("o-a1b2c3d4e5",))
    assert list(policy) == ["mine", "tc-o-a1b2c3d4e5"]
    organisation = policy["tc-o-a1b2c3d4e5"]
    assert organisation["Principal"] == "*"
    assert organisation["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    publish(aws, layer)
    assert list(policy) == ["mine"]


def test_old_versions_go_unless_something_uses_them(aws: FakeStore, built: Built) -> None:
    for number in range(6):
        publish(aws, built(b"%d" % number))
    arn = aws.store.layers[HERE, "etl-enhancer"][-1]["LayerArn"]
    # a published version, which a rollback returns to
    aws.store.functions[HERE] = [{"Layers": [{"Arn": f"{arn}:2"}], "Version": "7"}, {}]
    gone = prune(aws, ["etl-enhancer"], HERE, 2, {f"{arn}:3"})
    assert [version.number for version in gone] == [4, 1]
    left = [one["Version"] for one in aws.store.layers[HERE, "etl-enhancer"]]
    assert left == [6, 5, 3, 2]
    aws.calls.clear()
    prune(aws, ["etl-enhancer"], HERE, 4)
    assert aws.calls == ["lambda.list_layer_versions"]


def test_what_is_not_ours_is_never_pruned(aws: FakeStore) -> None:
    for _ in range(3):
        aws.publish("shared")
    assert prune(aws, ["shared"], HERE, 1) == []


def test_promoting_publishes_the_same_bodies_as_stable(aws: FakeStore, built: Built) -> None:
    layer = built(b"0", b"1")
    publish(aws, layer)
    given = (["etl-enhancer"], [HERE], TEMPLATE, (), silent)
    promote(aws, *given)
    now, stable = newest(aws, "etl-enhancer"), newest(aws, "etl-enhancer-stable")
    assert now
    assert stable
    assert now.mark == stable.mark
    bodies = [aws.store.layers[HERE, part.name][0]["Content"] for part in stable.parts]
    assert [body["CodeSha256"] for body in bodies] == [part.sha256 for part in layer.parts]
    aws.calls.clear()
    promote(aws, *given)
    assert aws.writes() == []
    # the sandboxes that aren't stable go on by themselves
    publish(aws, built(b"new"))
    assert newest(aws, "etl-enhancer-stable") == stable
    with pytest.raises(TcError) as told:
        promote(aws, ["etl-other"], [HERE], TEMPLATE, (), silent)
    assert told.value.code == "no-layer"


def test_of_two_runs_at_once_one_publishes(aws: FakeStore, built: Built) -> None:
    layer = built(b"0", b"1", b"2")
    other = FakeStore(aws.store)
    begun: list[str] = []

    def meanwhile(name: str, given: dict[str, Any]) -> None:
        if name == "s3.put_object" and not begun:
            begun.append(name)
            publish(other, layer)

    aws.hook = meanwhile
    mine = publish(aws, layer)
    assert begun
    assert mine == publish(other, layer)
    assert [len(versions) for versions in aws.store.layers.values() if versions] == [1, 1, 1]


def test_what_another_run_is_about_to_publish_is_waited_for(aws: FakeStore, built: Built) -> None:
    publish(aws, built(b"old"))
    layer = built(b"new")
    key = f"transit/layers/etl-enhancer-{layer.digest}"
    objects = aws.store.buckets["tc-artifacts-111122223333-eu-west-1"]["objects"]
    objects[key] = b""

    def publishes(name: str, given: dict[str, Any]) -> None:
        if "IfNoneMatch" in given:
            FakeStore(aws.store).publish("etl-enhancer", str(layer.marks[0]))

    aws.hook = publishes
    (version,) = publish(aws, layer)["etl-enhancer", HERE].parts
    assert version.number == len(aws.store.layers[HERE, "etl-enhancer"]) == 2
    assert key in objects, "the claim is the other run's"


def test_a_run_that_was_killed_while_it_published_holds_nobody_up(
    aws: FakeStore, built: Built
) -> None:
    publish(aws, built(b"old"))
    layer = built(b"new")
    key = f"transit/layers/etl-enhancer-{layer.digest}"
    objects = aws.store.buckets["tc-artifacts-111122223333-eu-west-1"]["objects"]
    objects[key] = b""
    assert publish(aws, layer)["etl-enhancer", HERE].parts[0].number == 2
    assert key not in objects


def test_an_interrupted_update_is_finished_without_a_part_twice(
    aws: FakeStore, built: Built
) -> None:
    publish(aws, built(b"0", b"1", b"2"))
    layer = built(b"3", b"4", b"5")

    def stop(name: str, given: dict[str, Any]) -> Exception | None:
        middle = "publish" in name and given["LayerName"] == "etl-enhancer-1"
        return refuse("AccessDenied") if middle else None

    aws.hook = stop
    with pytest.raises(AwsError):
        publish(aws, layer)
    aws.hook = lambda name, given: None
    publish(aws, layer)
    counts = {name: len(versions) for (_, name), versions in aws.store.layers.items() if versions}
    assert counts == {"etl-enhancer-0": 2, "etl-enhancer-1": 2, "etl-enhancer-2": 2}


def test_what_would_be_published_is_told_without_a_write(aws: FakeStore, built: Built) -> None:
    layer = built(b"body")
    publish(aws, layer)
    aws.calls.clear()
    regions = (HERE, "us-east-1")
    marks = {layer.name: (layer.owner, layer.digest)}
    assert differing(aws, marks, regions) == [(layer.name, "us-east-1")]
    assert differing(aws, {layer.name: (layer.owner, "0" * 64)}, [HERE]) == [(layer.name, HERE)]
    with pytest.raises(TcError, match="belongs to etl"):
        differing(aws, {layer.name: ("other", layer.digest)}, [HERE])
    assert aws.writes() == []
