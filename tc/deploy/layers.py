"""Layers that functions list, looked up: the newest version of a name, or the pinned one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.spec.fetched import Secret, is_reference, reference, revealed
from tc.spec.function import Function

#: (Lambda API reference, LayerVersionArn)
_LAYER_ARN = re.compile(r"arn:[a-z0-9-]+:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+\Z")


def look_up(
    aws: Aws, functions: Iterable[Function], emit: Emit, values: Mapping[str, Secret] | None = None
) -> dict[str, tuple[str, ...]]:
    """The ARN of each listed layer, nothing for one that isn't there; `values` has those
    that stand in SSM.

    A missing layer is a warning on the local engine and an error on AWS,
    which names every function that lists it.
    """
    users: dict[str, list[str]] = {}
    for function in functions:
        for layer in function.layers:
            users.setdefault(layer, []).append(function.name)
    fetched = {name: _fetched(name, values or {}) for name in users if is_reference(name)}
    names = sorted(users.keys() - fetched)
    found = dict(zip(names, aws.map(lambda name: _arn(aws, name), names), strict=True))
    missing = [name for name, arn in found.items() if arn is None]
    if missing and not aws.local:
        raise _missing(missing, users, aws)
    for name in missing:
        emit(
            Event(
                "warning",
                f"the layer `{name}` isn't there: {_listed(users[name])} without it",
                {"code": "no-layer", "hint": ""},
            )
        )
    return {name: (arn,) if arn else () for name, arn in (found | fetched).items()}


def _fetched(layer: str, values: Mapping[str, Secret]) -> str:
    """The ARN that stands where `layer` says. It is no secret, anything else there may be."""
    arn = str(revealed(values[layer]))
    if not _LAYER_ARN.match(arn):
        raise TcError(
            f"what stands in `{reference(layer)}` is no ARN of a layer version",
            code="no-value",
            hint="arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION",
        )
    return arn


def _listed(functions: list[str]) -> str:
    names = ", ".join(functions)
    return f"{names} runs" if len(functions) == 1 else f"{names} run"


def _arn(aws: Aws, layer: str) -> str | None:
    if layer.startswith("arn:"):
        return layer
    name, _, pinned = layer.partition(":")
    try:
        if pinned:
            if not pinned.isdecimal():
                return None
            version = aws.call(
                "lambda", "get_layer_version", LayerName=name, VersionNumber=int(pinned)
            )
            return str(version["LayerVersionArn"])
        answer = aws.call("lambda", "list_layer_versions", LayerName=name, MaxItems=1)
    except AwsError as error:
        if error.missing:
            return None
        raise
    versions = answer["LayerVersions"]
    return str(versions[0]["LayerVersionArn"]) if versions else None


def _missing(missing: list[str], users: dict[str, list[str]], aws: Aws) -> TcError:
    lines = [f"`{name}`, listed by {', '.join(users[name])}" for name in missing]
    return TcError(
        f"{len(missing)} layer{'s' if len(missing) != 1 else ''} "
        f"can't be found in account {aws.account}, {aws.region}:\n  " + "\n  ".join(lines),
        code="no-layer",
        hint="aws lambda publish-layer-version --layer-name "
        f"{missing[0].partition(':')[0]} --zip-file fileb://layer.zip",
    )
