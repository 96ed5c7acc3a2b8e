"""Layers that functions list, as they are found or missed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_aws import FakeAws, refused

from tc.deploy.layers import look_up
from tc.errors import AwsError, TcError
from tc.events import Event, silent
from tc.spec.finding import Address
from tc.spec.function import Function

ARN = "arn:aws:lambda:eu-west-1:111122223333:layer:deps"


def function(name: str, *layers: str) -> Function:
    here = Path("/etl") / name
    return Function(name, here, Address(here), "python3.13", "handler.handler", layers=layers)


@pytest.fixture
def aws() -> FakeAws:
    aws = FakeAws()
    aws.layers["deps"] = 3
    return aws


@pytest.mark.parametrize(
    ("layer", "arn"),
    [("deps", f"{ARN}:3"), ("deps:2", f"{ARN}:2"), ("arn:aws:lambda:x:1:layer:y:9",) * 2],
)
def test_a_layer_is_its_newest_version_or_the_pinned_one(
    aws: FakeAws, layer: str, arn: str
) -> None:
    assert look_up(aws, [function("a", layer)], silent) == {layer: (arn,)}


def test_each_layer_is_asked_for_once(aws: FakeAws) -> None:
    look_up(aws, [function("a", "deps"), function("b", "deps")], silent)
    assert aws.names() == {"lambda.list_layer_versions": 1}


@pytest.mark.parametrize("layer", ["gone", "deps:4", "deps:latest", "deps:-1"])
def test_a_missing_layer_is_an_error_on_aws(aws: FakeAws, layer: str) -> None:
    functions = [function("a", layer), function("b", layer, "deps")]
    with pytest.raises(TcError) as told:
        look_up(aws, functions, silent)
    assert told.value.code == "no-layer"
    assert f"`{layer}`, listed by a, b" in told.value.message
    assert "publish-layer-version" in told.value.hint


def test_a_missing_layer_is_a_warning_on_local(aws: FakeAws) -> None:
    aws.local = True  # type: ignore[assignment]
    told: list[Event] = []
    found = look_up(aws, [function("a", "gone", "deps"), function("b", "gone")], told.append)
    assert found == {"deps": (f"{ARN}:3",), "gone": ()}
    (event,) = told
    assert event.text == "the layer `gone` isn't there: a, b run without it"


def test_a_refused_look_is_told(aws: FakeAws) -> None:
    aws.hook = lambda operation, given: refused("AccessDeniedException")
    with pytest.raises(AwsError):
        look_up(aws, [function("a", "deps")], silent)
