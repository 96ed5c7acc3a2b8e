"""An own HTTP API of a stable sandbox: written whole beside what its stage answers with, which
then turns to it in one call.

Its stage doesn't deploy by itself. The stage's description has the digest of what it was turned
to, so that a run which ended in between is known by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from tc.components import defaults, http_api, rest_api, stages
from tc.components.api_names import HTTP_STAGE, api_url
from tc.components.authorizer_words import read_all
from tc.components.protocol import Aws, Outputs
from tc.plan.resource import Actual, Resource

_DIGEST = "tc "
_OF_STAGE = frozenset({"variables", "throttling", "by_hand"})


def create_api(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = aws.call(
        "apigatewayv2", "import_api", Body=json.dumps(http_api.openapi(resource, children))
    )
    what = digest((child.props for child in children), resource.props["cors"])
    return {**_new_stage(aws, made["ApiId"], resource, what), "protocol": "HTTP"}


def update_api(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changed: Set[str],
    children: Sequence[Resource],
) -> dict[str, str]:
    """Writes the API with all its `children`, unless there is nothing to write, and turns its
    stage to that; its new outputs."""
    api_id, stage = actual.outputs["id"], resource.payload["stage"] or HTTP_STAGE
    if not (children or changed & {"answers", "stage", "cors"} | changed & _OF_STAGE):
        return {}
    there = actual.outputs["stage"] == stage
    if there and "by_hand" in changed:
        aws.call("apigatewayv2", "update_stage", ApiId=api_id, StageName=stage, AutoDeploy=False)
    what = _written(aws, resource, api_id, changed, children)
    if not there:
        return _new_stage(aws, api_id, resource, what)
    settings = stages.http_settings(resource.props, actual.props) if changed & _OF_STAGE else {}
    deployment = _deployment(aws, api_id)
    aws.call(
        "apigatewayv2",
        "update_stage",
        ApiId=api_id,
        StageName=stage,
        DeploymentId=deployment,
        Description=f"{_DIGEST}{what}",
        **settings,
    )
    return {"auto": "false"}


def _written(
    aws: Aws, resource: Resource, api_id: str, changed: Set[str], children: Sequence[Resource]
) -> str:
    """Puts `children` in place of all that the API has, or leaves that; the digest of it."""
    cors = resource.props["cors"]
    if children:
        body = json.dumps(http_api.openapi(resource, children))
        aws.call("apigatewayv2", "reimport_api", ApiId=api_id, Body=body)
        if "cors" in changed and not cors:
            # a document without CORS isn't said to take it away
            with defaults.if_there():
                http_api.write_cors(aws, api_id, cors)
        return digest((child.props for child in children), cors)
    if "cors" in changed:
        http_api.write_cors(aws, api_id, cors)
    wards = read_all(aws, api_id, "HTTP")
    routes = http_api.read_routes(aws, api_id, {number: name for number, name, _ in wards})
    return live_digest(routes, [said for *_, said in wards], cors)


def _deployment(aws: Aws, api_id: str) -> str:
    made = aws.call("apigatewayv2", "create_deployment", ApiId=api_id)
    return str(made["DeploymentId"])


def _new_stage(aws: Aws, api_id: str, resource: Resource, what: str) -> dict[str, str]:
    stage = resource.payload["stage"] or HTTP_STAGE
    deployment = _deployment(aws, api_id)
    aws.call(
        "apigatewayv2",
        "create_stage",
        ApiId=api_id,
        StageName=stage,
        AutoDeploy=False,
        DeploymentId=deployment,
        Description=f"{_DIGEST}{what}",
        **stages.http_settings(resource.props),
    )
    return {"id": api_id, "url": api_url(aws, api_id, stage), "stage": stage, "auto": "false"}


def digest(children: Iterable[Mapping[str, Any]], cors: Mapping[str, Any]) -> str:
    """What tells what a stage answers with from something else."""
    return rest_api.digest([*(rest_api.comparable(child) for child in children), {"cors": cors}])


def live_digest(
    routes: Sequence[tuple[Mapping[str, Any], Any, Any]],
    wards: Sequence[Mapping[str, Any]],
    cors: Mapping[str, Any],
) -> str:
    """The same of what is there: routes and authorizers as they are read."""
    return digest([*(props for props, _, _ in routes), *wards], cors)


def is_turned(stage: Mapping[str, Any], what: str) -> bool:
    """Whether a live stage answers with what has the digest `what`; one that deploys by itself
    always does."""
    return bool(stage.get("AutoDeploy")) or stage.get("Description") == f"{_DIGEST}{what}"
