"""What a route of a REST API calls: its target, and the templates to and from it.

Props: ``type``, ``uri``, ``role``, ``parameters``, ``request`` (a mapping
template) and ``responses``: by status, the ``pattern`` that chooses the answer,
its ``template`` and its ``headers``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tc.components import templates
from tc.components.api_names import lambda_uri
from tc.components.gateways import cors_of
from tc.components.http_api import is_fifo
from tc.components.route_model import Cors, RouteModel, cors, methods, model_of
from tc.compose.things import queue_arn
from tc.spec.topology import Entry, Topology

#: stands in a request for what the caller sent
_BODY = "@body@"
#: the flow's own output, or 500 with its error
_OUTPUT = (
    "#if($input.path('$.status') == 'SUCCEEDED')$input.path('$.output')#else"
    "#set($context.responseOverride.status = 500)"
    '{"error": "$input.path(\'$.error\')", '
    '"cause": "$util.escapeJavaScript($input.path(\'$.cause\')).replaceAll("\\\\\'", "\'")"}'
    "#end"
)
_FAILED = '{"message": "Internal server error"}'
#: answers of a service that refused the call; its words are not for the callers
_REFUSED = {
    "400": {"pattern": r"4\d{2}", "template": '{"message": "Bad request"}'},
    "500": {"pattern": r"5\d{2}", "template": _FAILED},
}
#: of a function the pattern is tried on its error's message, and only when it failed
_FUNCTION_FAILED = {"500": {"pattern": r"(\n|.)+", "template": _FAILED}}
_ALLOW = "method.response.header.Access-Control-Allow-"


def integration(topology: Topology, entry: Entry, role: str) -> dict[str, Any]:
    """What the route calls, in the words of the API."""
    kind, name = entry.targets[0]
    model = model_of(entry)
    target = _FOR[kind](topology, entry, name)
    if role:
        target["role"] = role
    if model.request_params:
        target["parameters"] = target.get("parameters", {}) | model.request_params
    if "responses" in target:
        target["responses"] = {
            status: _with_headers(entry, answer, main="pattern" not in answer)
            for status, answer in target["responses"].items()
        }
    return target


def _with_headers(entry: Entry, answer: Mapping[str, Any], *, main: bool) -> dict[str, Any]:
    """An answer with the headers that the route says, and those of CORS."""
    model = model_of(entry)
    found = dict(answer)
    headers = dict(model.response_params or {}) if main else {}
    written = cors(entry)
    if written:
        headers[f"{_ALLOW}Origin"] = f"'{written.origins[0]}'"
    if headers:
        found["headers"] = headers
    if main and model.response_template:
        found["template"] = model.response_template
    return found


def _function(topology: Topology, entry: Entry, name: str) -> dict[str, Any]:
    scope = topology.scope
    model = model_of(entry)
    uri = lambda_uri(scope.region, scope.partition, topology.function_arn(name))
    if not model.waits():
        event = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
        made = {"type": "AWS", "uri": uri, "parameters": event, "responses": {"202": {}}}
    elif _maps(model):
        made = {"type": "AWS", "uri": uri, "responses": {"200": {}, **_FUNCTION_FAILED}}
    else:
        return {"type": "AWS_PROXY", "uri": uri}
    template = _event(model.request_template)
    return {**made, **({"request": template} if template else {})}


def _maps(model: RouteModel) -> bool:
    """Whether the function gets or gives something else than requests and answers as such."""
    said = (model.request_template, model.response_template, model.response_params)
    named = any(name.startswith("integration.request.") for name in model.request_params or {})
    return named or any(said)


def _event(written: str | None) -> str:
    """The template of what a function gets, empty for the body as it is."""
    return "".join(part for _, part in templates.sent(written)) if written else ""


def _flow(topology: Topology, entry: Entry, name: str) -> dict[str, Any]:
    model = model_of(entry)
    action = "StartSyncExecution" if model.waits() else "StartExecution"
    request = _request(model, {"stateMachineArn": topology.flows[name].called_arn, "input": _BODY})
    return {
        "type": "AWS",
        "uri": f"{_services(topology)}:states:action/{action}",
        "request": request,
        "responses": {"200": {"template": _OUTPUT} if model.waits() else {}, **_REFUSED},
    }


def _sent_event(topology: Topology, entry: Entry, name: str) -> dict[str, Any]:
    event = topology.entries["events"][name]
    bus: Mapping[str, str] = event.model.bus_entry(name)  # type: ignore[attr-defined]
    sent = {"Entries": [{**bus, "Resources": [topology.scope.event_mark], "Detail": _BODY}]}
    return {
        "type": "AWS",
        "uri": f"{_services(topology)}:events:action/PutEvents",
        "parameters": {
            "integration.request.header.X-Amz-Target": "'AWSEvents.PutEvents'",
            "integration.request.header.Content-Type": "'application/x-amz-json-1.1'",
        },
        "request": _request(model_of(entry), sent),
        "responses": {"200": {}, **_REFUSED},
    }


def _message(topology: Topology, entry: Entry, name: str) -> dict[str, Any]:
    """SQS takes a form, not JSON."""
    model = model_of(entry)
    arn = queue_arn(topology.scope, topology.entries["queues"][name]).split(":")
    request = model.request_template or ""
    if request in templates.NAMED:
        body = templates.as_form(templates.sent(request, whole="$input.body"))
        request = f"Action=SendMessage&MessageBody={body}"
        if is_fifo(topology, name):
            request += f"&MessageGroupId={topology.scope.namespace}"
            request += "&MessageDeduplicationId=$context.requestId"
    return {
        "type": "AWS",
        "uri": f"{_services(topology)}:sqs:path/{arn[4]}/{arn[5]}",
        "parameters": {
            "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"
        },
        "request": request,
        "responses": {"200": {}, **_REFUSED},
    }


_FOR = {"function": _function, "flow": _flow, "event": _sent_event, "queue": _message}


def _services(topology: Topology) -> str:
    return f"arn:{topology.scope.partition}:apigateway:{topology.scope.region}"


def _request(model: RouteModel, call: Mapping[str, Any]) -> str:
    """`call` as a mapping template, with what the caller sent as a JSON string in it; or the
    user's own template of the call."""
    written = model.request_template or ""
    if written not in templates.NAMED:
        return written
    return json.dumps(call).replace(_BODY, templates.as_text(templates.sent(written)))


def preflight(written: Cors, entries: Sequence[Entry]) -> dict[str, Any]:
    """The answer to a browser that asks before it calls the routes of one path."""
    allowed = cors_of(written, [method for entry in entries for method in methods(entry)])
    said = {
        f"{_ALLOW}Origin": written.origins[0],
        f"{_ALLOW}Methods": ",".join(allowed["methods"]),
        f"{_ALLOW}Headers": ",".join(allowed["headers"]),
    }
    headers = {name: f"'{value}'" for name, value in said.items()}
    return {
        "type": "MOCK",
        "request": '{"statusCode": 200}',
        "responses": {"200": {"headers": headers}},
    }
