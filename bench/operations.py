"""The name of an AWS operation, read off the request itself as it passes by.

Independent of tc's own counting: JSON services name the operation in a header,
query services in the body, REST services by method and path, for which botocore's
models have the patterns.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel

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
    path = urlsplit(target).path
    for name, prefix in _REST:
        if name.startswith(service or "-") and path.startswith(prefix):
            for verb, pattern, operation in _patterns(name):
                if verb == method and pattern.fullmatch(path):
                    return f"{name}.{operation}"
    return f"{method} {path}"


@functools.cache
def _patterns(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """(method, pattern of the path, operation) of a REST service, fixed paths first."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        uri = http["requestUri"].partition("?")[0].rstrip("/")
        pieces = _PARAMETER.split(uri)
        pattern = re.escape(pieces[0])
        for greedy, text in zip(pieces[1::2], pieces[2::2], strict=True):
            pattern += (".+" if greedy else "[^/]+") + re.escape(text)
        found.append((http["method"], re.compile(pattern + "/?"), xform_name(name)))
    return sorted(found, key=lambda entry: entry[1].pattern.count("+"))
