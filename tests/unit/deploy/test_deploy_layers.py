"""Layers of functions: those they list and their own, as they are found, missed or built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from deploying import artifact
from fake_store import FakeStore, refuse

from tc.deploy.layers import Buildable, LayerSource, LookedUp, OwnLayer, check_sizes, look_up
from tc.errors import AwsError, TcError
from tc.events import Event, silent
from tc.spec.finding import Address
from tc.spec.function import Function
from tc.spec.layer import Mark
from tc.spec.scope import Scope

ARN = "arn:aws:lambda:eu-west-1:111122223333:layer:"
SCOPE = Scope(namespace="etl", sandbox="bob", env="dev")
A, B = "a" * 64, "b" * 64


def function(name: str, *layers: str) -> Function:
    here = Path("/etl") / name
    return Function(name, here, Address(here), "python3.13", "handler.handler", layers=layers)


def published(aws: FakeStore, name: str, digest: str, parts: int = 1, unpacked: int = 0) -> None:
    names = [name] if parts == 1 else [f"{name}-{index}" for index in range(parts)]
    for index in reversed(range(parts)):
        aws.publish(names[index], str(Mark("etl", digest, index, parts, unpacked)))


def own(name: str, digest: str, *users: str) -> LayerSource:
    """A source that can build the layer `name`, which `users` (names on AWS) need."""
    layer = OwnLayer(name, digest, "etl/requirements.txt", users)
    return LayerSource(lambda functions: Buildable({name: layer}, dict.fromkeys(users, name)))


@pytest.fixture
def aws() -> FakeStore:
    aws = FakeStore()
    for _ in range(3):
        aws.publish("deps")
    return aws


def found(
    aws: FakeStore,
    *functions: Function,
    source: LayerSource | None = None,
    scope: Scope = SCOPE,
    told: list[Event] | None = None,
) -> LookedUp:
    emit = silent if told is None else told.append
    return look_up(aws, {f.name: f for f in functions}, source or LayerSource(), scope, emit)


@pytest.mark.parametrize(
    ("layer", "arn"),
    [
        ("deps", f"{ARN}deps:3"),
        ("deps:2", f"{ARN}deps:2"),
        ("arn:aws:lambda:x:1:layer:y:9",) * 2,
    ],
)
def test_a_layer_is_its_newest_version_or_the_pinned_one(
    aws: FakeStore, layer: str, arn: str
) -> None:
    assert found(aws, function("a", layer)).arns == {"a": (arn,)}


def test_a_name_means_all_parts_in_their_order(aws: FakeStore) -> None:
    published(aws, "big", A, 3, unpacked=7)
    published(aws, "big", B, 2, unpacked=5)
    looked = found(aws, function("a", "big", "deps"), function("b", "big:1"))
    newest = (f"{ARN}big-0:2", f"{ARN}big-1:2", f"{ARN}deps:3")
    assert looked.arns == {"a": newest, "b": tuple(f"{ARN}big-{n}:1" for n in range(3))}
    assert looked.unpacked == {"a": 5, "b": 7}


def test_each_layer_is_asked_for_once_and_no_layer_costs_no_call(aws: FakeStore) -> None:
    found(aws, function("a", "deps"), function("b", "deps"))
    assert aws.names() == {"lambda.list_layer_versions": 2}
    aws.calls.clear()
    found(aws, function("a"), function("b", "arn:aws:lambda:x:1:layer:y:9"))
    assert aws.calls == []


def test_the_own_layer_is_attached_first_unless_it_is_listed(aws: FakeStore) -> None:
    published(aws, "etl-a", A)
    source = own("etl-a", A, "a")
    attached = (f"{ARN}etl-a:1", f"{ARN}deps:3")
    assert found(aws, function("a", "deps"), source=source).arns == {"a": attached}
    listed = found(aws, function("a", "deps", "etl-a"), source=source)
    assert listed.arns == {"a": attached[::-1]}
    assert found(aws, function("a"), function("b"), source=source).arns["b"] == ()


@pytest.mark.parametrize("layer", ["gone", "gone:4"])
def test_a_missing_layer_is_an_error_on_aws(aws: FakeStore, layer: str) -> None:
    with pytest.raises(TcError) as told:
        found(aws, function("a", layer), function("b", layer, "deps"))
    assert told.value.code == "no-layer"
    assert f"`{layer}`, used by a, b" in told.value.message
    assert "tc build --publish -e dev" in told.value.hint


def test_a_layer_of_no_dependencies_is_none(aws: FakeStore) -> None:
    assert found(aws, function("a", "etl-a"), function("b", "etl-a")).arns == {"a": (), "b": ()}
    with pytest.raises(TcError) as other:
        found(aws, function("b", "etl-a"))
    assert other.value.hint.startswith("tc build --publish -e dev, in the topology")


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("deps:4", "its newest version is 3"),
        ("deps:latest", "`latest` is no version"),
        ("deps:-1", "`-1` is no version"),
    ],
)
def test_a_pin_of_no_version_says_which_there_are(aws: FakeStore, layer: str, why: str) -> None:
    with pytest.raises(TcError) as told:
        found(aws, function("a", layer))
    assert told.value.code == "no-layer"
    assert f"`{layer}`, used by a: {why}" in told.value.message
    assert "--publish" not in told.value.hint, "nothing that is built gets that number"
    with pytest.raises(TcError) as both:
        found(aws, function("a", layer), source=own("etl-a", A, "a"))
    assert both.value.hint == "tc build --publish -e dev -c a"


def test_a_missing_layer_of_ones_own_says_what_builds_it(aws: FakeStore) -> None:
    with pytest.raises(TcError) as told:
        found(aws, function("a"), source=own("etl-a", A, "a"))
    assert told.value.hint == "tc build --publish -e dev -c a"
    assert told.value.where == "etl/requirements.txt"
    assert aws.writes() == []


def test_a_layer_of_other_files_than_todays_is_used_and_told(aws: FakeStore) -> None:
    published(aws, "etl-a", B)
    told: list[Event] = []
    looked = found(aws, function("a"), source=own("etl-a", A, "a"), told=told)
    assert looked.arns == {"a": (f"{ARN}etl-a:1",)}
    (event,) = told
    assert event.data["code"] == "old-layer"
    assert event.data["hint"] == "tc build --publish -e dev -c a"
    # one that somebody made in another way is theirs
    aws.publish("etl-a")
    told.clear()
    found(aws, function("a"), source=own("etl-a", A, "a"), told=told)
    assert told == []


@pytest.mark.parametrize("before", ["", B])
def test_on_local_a_layer_is_built_where_it_is_missing_or_differs(before: str) -> None:
    aws = FakeStore(local=True)
    if before:
        published(aws, "etl-a", before)
    built: list[Sequence[str]] = []

    def publish(names: Sequence[str]) -> None:
        built.append(names)
        for name in names:
            published(aws, name, A)

    source = replace(own("etl-a", A, "a"), publish=publish)
    told: list[Event] = []
    for _ in range(2):
        looked = found(aws, function("a"), source=source, told=told)
        assert looked.arns == {"a": (f"{ARN}etl-a:{2 if before else 1}",)}
    assert built == [["etl-a"]]
    assert told == []


def test_on_local_nothing_is_built_for_a_plan_and_others_are_told() -> None:
    aws = FakeStore(local=True)
    aws.publish("deps")
    told: list[Event] = []
    functions = [function("a", "gone", "deps"), function("b", "gone")]
    looked = found(aws, *functions, source=own("etl-b", A, "b"), told=told)
    assert looked.arns == {"a": (f"{ARN}deps:1",), "b": ()}
    assert [event.text for event in told] == [
        "the layer `etl-b` isn't there yet: tc create builds it",
        "the layer `gone` isn't there: a, b run without it",
    ]


def test_layers_of_a_central_account_are_looked_up_there_first(aws: FakeStore) -> None:
    central = FakeStore(account="999999999999")
    published(central, "etl-a", A)
    source = replace(own("etl-a", A, "a"), central=lambda: central)
    looked = found(aws, function("a", "deps"), source=source)
    there = ARN.replace("111122223333", "999999999999")
    assert looked.arns == {"a": (f"{there}etl-a:1", f"{ARN}deps:3")}


def test_a_stable_sandbox_uses_what_was_promoted(aws: FakeStore) -> None:
    published(aws, "etl-a", A)
    published(aws, "etl-a-stable", B, 2)
    stable = replace(SCOPE, sandbox="stable")
    promoted = (f"{ARN}etl-a-stable-0:1", f"{ARN}etl-a-stable-1:1")
    assert found(aws, function("a", "etl-a"), scope=stable).arns == {"a": promoted}
    assert found(aws, function("a", "deps"), scope=stable).arns == {"a": (f"{ARN}deps:3",)}
    assert found(aws, function("a", "etl-a")).arns == {"a": (f"{ARN}etl-a:1",)}


def test_more_layers_than_lambda_takes_are_an_error(aws: FakeStore) -> None:
    published(aws, "big", A, 5)
    assert len(found(aws, function("a", "big")).arns["a"]) == 5
    with pytest.raises(TcError) as told:
        found(aws, function("a", "big", "deps"))
    assert told.value.code == "too-many-layers"
    assert "a: big-0:1, big-1:1" in told.value.message
    assert "part_size" in told.value.hint


def test_what_lambda_would_not_unpack_with_its_layers_is_an_error() -> None:
    package = replace(artifact("x"), unpacked=100 * 1024 * 1024)
    fits = LookedUp({}, {"a": 150 * 1024 * 1024})
    check_sizes({"a": package}, fits, {"a": function("a")})
    too_much = LookedUp({}, {"a": 150 * 1024 * 1024 + 1})
    with pytest.raises(TcError) as told:
        check_sizes({"a": package}, too_much, {"a": function("a")})
    assert told.value.code == "too-large"
    assert "a: 100.0 MB of its own and 150.0 MB of layers" in told.value.message


def test_a_refused_look_is_told(aws: FakeStore) -> None:
    aws.hook = lambda operation, given: refuse("AccessDeniedException")
    with pytest.raises(AwsError):
        found(aws, function("a", "deps"))


def test_a_diff_tells_of_a_layer_that_nobody_has_built_yet(aws: FakeStore) -> None:
    source = replace(own("etl-a", A, "a"), needed=False)
    told: list[Event] = []
    looked = found(aws, function("a", "deps"), source=source, told=told)
    assert looked.arns == {"a": (f"{ARN}deps:3",)}
    assert [event.data["code"] for event in told] == ["no-layer"]
    assert told[0].data["hint"] == "tc build --publish -e dev -c a"
    with pytest.raises(TcError, match="`gone`, used by a"):
        found(aws, function("a", "gone"), source=source)
