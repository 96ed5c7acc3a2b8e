"""What both kinds of imported APIs read from an OpenAPI document in the same way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"


class BadDocument(Exception):
    """Not an OpenAPI 3.0 document; the text says why."""


def document(text: str | bytes) -> dict[str, Any]:
    """The document of an import. Raises BadDocument."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadDocument(
            f"Unable to parse API definition because of a malformed body: {error}"
        ) from error
    if not isinstance(found, dict) or not str(found.get("openapi", "")).startswith("3.0"):
        raise BadDocument("The API definition is not an OpenAPI 3.0 document")
    if not (found.get("info") or {}).get("title"):
        raise BadDocument("The API definition has no info.title")
    return found


def tags(spec: dict[str, Any]) -> dict[str, str]:
    key = "x-amazon-apigateway-tag-value"
    return {tag["name"]: tag[key] for tag in spec.get("tags") or [] if key in tag}


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method ("ANY" for any) and operation, in the order written."""
    for path, item in (spec.get("paths") or {}).items():
        for key, operation in item.items():
            if key in METHODS or key == ANY:
                yield path, "ANY" if key == ANY else key.upper(), operation or {}


def integration(spec: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    """The integration of an operation, a reference to a shared one resolved."""
    found = operation.get(INTEGRATION)
    if not isinstance(found, dict):
        return None
    reference = found.get("$ref")
    if reference is None:
        return found
    value: Any = spec
    for part in str(reference).removeprefix("#/").split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise BadDocument(f"{reference} leads nowhere")
    return value


def schemes(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return (spec.get("components") or {}).get("securitySchemes") or {}
