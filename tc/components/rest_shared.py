"""Routes on a REST API that others use too: one method at a time, then a deployment.

Nothing but the sandbox's own methods is touched. A method is known by its
operation name, ``{namespace}@{sandbox} {route}``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tc.components import defaults, rest_api
from tc.components.api_names import REST_STAGE
from tc.components.authorizer_words import IAM, NONE, read_all
from tc.components.protocol import Aws, Outputs
from tc.errors import TcError
from tc.plan.resource import Actual, Change, Resource

#: labels begin with an owner, which has this
_OWNER_SIGN = "@"


@dataclass(slots=True)
class _Queue:
    """The deployments of one API: one at a time, each for all changes made before it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    made: int = 0
    deployed: int = 0


_queues: dict[str, _Queue] = {}
_lock = threading.Lock()
#: held while paths are made or removed: routes side by side share those above them
_paths = threading.Lock()


def deploy(aws: Aws, api: Mapping[str, str]) -> None:
    """Has the stage answer with all that was changed before this call.

    API Gateway takes one deployment in 5 s, so what waits for one is done by the next.
    """
    with _lock:
        queue = _queues.setdefault(api["id"], _Queue())
        queue.made += 1
        mine = queue.made
    with queue.lock:
        if queue.deployed >= mine:
            return
        with _lock:
            covered = queue.made
        said = marked_digest(rest_api.read_routes(aws, api["id"], {}))
        rest_api.deploy(aws, api["id"], api.get("stage") or REST_STAGE, said)
        queue.deployed = covered


def marked_digest(
    routes: Sequence[tuple[Mapping[str, Any], Mapping[str, str], str]],
) -> str:
    """The digest of the routes that sandboxes have there; authorizers count by their presence."""
    return rest_api.digest(
        {**props, "authorizer": props["authorizer"] != NONE, "label": label}
        for props, _, label in routes
        if _OWNER_SIGN in label.partition(" ")[0]
    )


def answers(
    routes: Sequence[tuple[Mapping[str, Any], Mapping[str, str], str]],
    digest: str,
    summary: Mapping[str, set[str]],
) -> bool:
    """Whether a stage has the sandboxes' routes as they are: as tc wrote when it deployed,
    and after another's deployment as far as its summary tells."""
    if digest:
        return digest == marked_digest(routes)
    return all(
        props["method"] in summary.get(props["path"], set())
        for props, _, label in routes
        if _OWNER_SIGN in label.partition(" ")[0]
    )


def create_route(aws: Aws, resource: Resource) -> Outputs:
    api: Mapping[str, str] = resource.payload["parent"]
    with _paths:
        place = _place(aws, api["id"], resource.props["path"])
    _put(aws, api, place, resource)
    deploy(aws, api)
    return {"api": api["id"], "resource": place, "stage": api.get("stage", "")}


def update_route(
    aws: Aws, resource: Resource, actual: Actual, changes: Sequence[Change]
) -> Outputs:
    """The method is taken out and put again: callers see it when it is deployed."""
    api: Mapping[str, str] = resource.payload["parent"]
    _delete_method(aws, actual)
    with _paths:
        place = _place(aws, api["id"], resource.props["path"])
    _put(aws, api, place, resource)
    deploy(aws, api)
    if place != actual.outputs["resource"]:
        _tidy(aws, api["id"], actual)
    return {**actual.outputs, "resource": place}


def delete_route(aws: Aws, actual: Actual) -> None:
    _delete_method(aws, actual)
    _tidy(aws, actual.outputs["api"], actual)
    deploy(aws, {"id": actual.outputs["api"], "stage": actual.outputs["stage"]})


def _delete_method(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call(
            "apigateway",
            "delete_method",
            restApiId=actual.outputs["api"],
            resourceId=actual.outputs["resource"],
            httpMethod=actual.props["method"],
        )


def _place(aws: Aws, api_id: str, path: str) -> str:
    """The id of the resource at `path`, made with those above it where they are missing."""
    there = {found["path"]: found["id"] for found in rest_api.read_resources(aws, api_id)}
    above = "/"
    for segment in [part for part in path.split("/") if part]:
        at = f"{above.rstrip('/')}/{segment}"
        if at not in there:
            made = aws.call(
                "apigateway",
                "create_resource",
                restApiId=api_id,
                parentId=there[above],
                pathPart=segment,
            )
            there[at] = made["id"]
        above = at
    return str(there[above])


def _tidy(aws: Aws, api_id: str, actual: Actual) -> None:
    """Removes what is empty of the route's path below ``/{sandbox}``: there nothing is another's.

    Of `stable`, which has no such part, the path stays.
    """
    sandbox = actual.owner.partition("@")[2]
    path = actual.props["path"]
    if not (path == f"/{sandbox}" or path.startswith(f"/{sandbox}/")):
        return
    with _paths:
        found = {one["path"]: one for one in rest_api.read_resources(aws, api_id)}
        while path != "/" and path in found:
            below = any(other.startswith(f"{path}/") for other in found)
            if below or found[path].get("resourceMethods"):
                return
            with defaults.if_there():
                aws.call(
                    "apigateway",
                    "delete_resource",
                    restApiId=api_id,
                    resourceId=found.pop(path)["id"],
                )
            path = path.rpartition("/")[0] or "/"


def _put(aws: Aws, api: Mapping[str, str], place: str, resource: Resource) -> None:
    """The method, its integration, and the answers of both."""
    at = {"restApiId": api["id"], "resourceId": place, "httpMethod": resource.props["method"]}
    target = resource.props["integration"]
    aws.call(
        "apigateway",
        "put_method",
        **at,
        operationName=f"{resource.owner} {resource.name}",
        requestParameters={name: ".path." in name for name in rest_api.request_parameters(target)},
        **_authorization(aws, api, resource),
    )
    aws.call("apigateway", "put_integration", **at, **_settings(resource.props))
    for status, answer in target.get("responses", {}).items():
        headers = dict.fromkeys(answer.get("headers", {}), False)
        aws.call(
            "apigateway", "put_method_response", **at, statusCode=status, responseParameters=headers
        )
        chosen = {"selectionPattern": answer["pattern"]} if "pattern" in answer else {}
        aws.call(
            "apigateway",
            "put_integration_response",
            **at,
            statusCode=status,
            **chosen,
            **rest_api.response(answer),
        )


def _settings(props: Mapping[str, Any]) -> dict[str, Any]:
    """The integration in the words of PutIntegration."""
    target = props["integration"]
    body: dict[str, Any] = {"type": target["type"], "timeoutInMillis": props["timeout_ms"]}
    if target["type"] != "MOCK":
        body |= {"integrationHttpMethod": "POST", "uri": target["uri"]}
    if "role" in target:
        body["credentials"] = target["role"]
    if "parameters" in target:
        body["requestParameters"] = target["parameters"]
    if "request" in target:
        body["requestTemplates"] = {"application/json": target["request"]}
        body["passthroughBehavior"] = "WHEN_NO_TEMPLATES"
    return body


def _authorization(aws: Aws, api: Mapping[str, str], resource: Resource) -> dict[str, str]:
    wanted = resource.props["authorizer"]
    if wanted in (NONE, IAM):
        return {"authorizationType": "NONE" if wanted == NONE else "AWS_IAM"}
    label = f"{resource.owner} {wanted}"
    found = read_all(aws, api["id"], "REST")
    known = {name: (number, props["type"]) for number, name, props in found}
    if label not in known:
        raise TcError(
            f"the authorizer `{wanted}` isn't on the API {resource.parent} yet",
            where=resource.title,
            hint="run the command again",
        )
    number, kind = known[label]
    pools = kind == "COGNITO_USER_POOLS"
    return {
        "authorizationType": "COGNITO_USER_POOLS" if pools else "CUSTOM",
        "authorizerId": number,
    }
