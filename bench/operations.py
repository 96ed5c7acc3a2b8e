"""The name of an AWS operation, read off the request itself as it passes by.

Independent of tc's own counting: JSON services name the operation in a header,
query services in the body, REST services by method and path, for which botocore's
models have the patterns.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

#: name in the signature -> the SDK's name, where they differ
_SDK_NAMES = {"states": "stepfunctions", "tagging": "resourcegroupstaggingapi"}
#: (service, beginning of the path) of the services that name operations by method and path
_REST = (
    ("lambda", "/2"),
    ("apigatewayv2", "/v2/"),
    ("apigateway", "/"),
    ("appsync", "/v"),
    ("s3", "/"),
)
_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
_PARAMETER = re.compile(r"\{[^}+]+(\+?)\}")


def name_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """``lambda.create_function``; the bare method and path when nothing fits."""
    lower = {key.lower(): value for key, value in headers.items()}
    signed = _SCOPE.search(lower.get("authorization", ""))
    service = signed[1] if signed else ""
    named = lower.get("x-amz-target", "").rpartition(".")[2]
    if not named and b"Action=" in body:
        named = parse_qs(body.decode()).get("Action", [""])[0]
    if named:
        return f"{_SDK_NAMES.get(service, service)}.{xform_name(named)}"
    path, query = urlsplit(target).path, parse_qs(urlsplit(target).query, keep_blank_values=True)
    for name, prefix in _REST:
        if name.startswith(service or "-") and path.startswith(prefix):
            for rest in _operations(name):
                if rest.fits(method, path, query.keys() | lower.keys()):
                    return f"{name}.{rest.name}"
    return f"{method} {path}"


@dataclass(frozen=True, slots=True)
class _Rest:
    """An operation of a REST service: `marks` are the parameters and headers it always has."""

    name: str
    method: str
    path: re.Pattern[str]
    marks: frozenset[str]

    def fits(self, method: str, path: str, given: Set[str]) -> bool:
        return method == self.method and self.marks <= given and bool(self.path.fullmatch(path))


@functools.cache
def _operations(service: str) -> list[_Rest]:
    """The operations of a REST service, fixed paths and those with most marks first."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri, _, query = operation.http["requestUri"].partition("?")
        pieces = _PARAMETER.split(uri.rstrip("/"))
        pattern = re.escape(pieces[0])
        for greedy, text in zip(pieces[1::2], pieces[2::2], strict=True):
            pattern += (".+" if greedy else "[^/]+") + re.escape(text)
        marks = {*parse_qs(query, keep_blank_values=True), *_required_headers(operation)}
        path = re.compile(pattern + "/?")
        found.append(_Rest(xform_name(name), operation.http["method"], path, frozenset(marks)))
    return sorted(found, key=lambda one: (one.path.pattern.count("+"), -len(one.marks)))


def _required_headers(operation: OperationModel) -> Iterator[str]:
    """In lower case."""
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        said = shape.members[name].serialization
        if said.get("location") == "header":
            yield said["name"].lower()
