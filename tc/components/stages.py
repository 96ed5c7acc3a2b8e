"""Stages of APIs: their variables, and how many requests they let through.

Props: ``variables`` by name; ``throttling`` empty, or ``burst_limit`` (requests
at once) and ``rate_limit`` (requests a second).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.components.protocol import Aws

#: what an account allows all its APIs together (API Gateway quotas); a stage with
#: these has no limit of its own
_UNLIMITED = {"burst_limit": 5000, "rate_limit": 10_000.0}
_EVERY_METHOD = "*/*"


def http_settings(
    props: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What CreateStage is told, or UpdateStage where `before` was.

    An update takes nothing out: what goes is emptied.
    """
    settings: dict[str, Any] = {}
    if (before or {}).get("by_hand") and not props.get("by_hand"):
        settings["AutoDeploy"] = True
    gone = dict.fromkeys((before or {}).get("variables", {}), "")
    variables = gone | props.get("variables", {})
    if variables:
        settings["StageVariables"] = variables
    throttling = props.get("throttling") or ((before or {}).get("throttling") and _UNLIMITED)
    if throttling:
        settings["DefaultRouteSettings"] = {
            "ThrottlingBurstLimit": throttling["burst_limit"],
            "ThrottlingRateLimit": throttling["rate_limit"],
        }
    return settings


def live_http(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The props of a live stage of an HTTP API."""
    said = stage.get("DefaultRouteSettings", {})
    return {
        "variables": {k: v for k, v in stage.get("StageVariables", {}).items() if v},
        "throttling": _throttling(said, "ThrottlingBurstLimit", "ThrottlingRateLimit"),
    }


def live_rest(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The props of a live stage of a REST API."""
    said = stage.get("methodSettings", {}).get(_EVERY_METHOD, {})
    return {
        "variables": dict(stage.get("variables") or {}),
        "throttling": _throttling(said, "throttlingBurstLimit", "throttlingRateLimit"),
    }


def _throttling(said: Mapping[str, Any], burst: str, rate: str) -> dict[str, Any]:
    """-1 and nothing at all are what a stage without a limit says."""
    found = {"burst_limit": said.get(burst) or -1, "rate_limit": float(said.get(rate) or -1)}
    return {} if found == _UNLIMITED or min(found.values()) < 0 else found


def update_http(
    aws: Aws, api_id: str, stage: str, props: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    aws.call(
        "apigatewayv2",
        "update_stage",
        ApiId=api_id,
        StageName=stage,
        **http_settings(props, before),
    )


def update_rest(
    aws: Aws, api_id: str, stage: str, props: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """Nothing is called when `props` and `before` say the same."""
    patches = _patches(props, before)
    if patches:
        aws.call(
            "apigateway",
            "update_stage",
            restApiId=api_id,
            stageName=stage,
            patchOperations=patches,
        )


def _patches(props: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, str]]:
    wanted, live = props.get("variables", {}), before.get("variables", {})
    patches = [
        {"op": "replace", "path": f"/variables/{name}", "value": value}
        for name, value in wanted.items()
        if live.get(name) != value
    ]
    patches += [
        {"op": "remove", "path": f"/variables/{name}"} for name in live if name not in wanted
    ]
    throttling, limited = props.get("throttling", {}), before.get("throttling", {})
    if throttling and throttling != limited:
        for name, key in (("burstLimit", "burst_limit"), ("rateLimit", "rate_limit")):
            path = f"/{_EVERY_METHOD}/throttling/{name}"
            patches.append({"op": "replace", "path": path, "value": str(throttling[key])})
    elif limited and not throttling:
        patches.append({"op": "remove", "path": f"/{_EVERY_METHOD}"})
    return patches
