"""Custom domain names: which API answers there.

A domain name and its certificate are the account's; tc only maps it to the
sandbox's own API. The API's tag ``tc:domain`` says that it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Resource


def find(
    aws: Aws, resource: Resource, tagged: str, told: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """The domain name that leads to the live API, or "", and its mapping as outputs.

    `tagged` is the one that the API's tag says.
    """
    wanted = resource.props.get("domain", "")
    for host in dict.fromkeys(host for host in (wanted, tagged) if host):
        for mapping in _mappings(aws, host) or ():
            if mapping["ApiId"] == told["id"] and not mapping.get("ApiMappingKey"):
                return host, {"domain": host, "mapping": mapping["ApiMappingId"]}
    return "", {}


def hindrances(aws: Aws, host: str, api_id: str) -> Iterator[TcError]:
    """That the domain name isn't there, or that its root leads to another API."""
    mappings = _mappings(aws, host)
    if mappings is None:
        yield TcError(
            f"this account has no domain name `{host}` in API Gateway",
            code="no-domain",
            where=host,
            hint="make it there with its certificate, or take it out of routes.json",
        )
        return
    taken = [m["ApiId"] for m in mappings if not m.get("ApiMappingKey") and m["ApiId"] != api_id]
    if taken:
        yield TcError(
            f"`{host}` leads to another API ({taken[0]})",
            code="domain-taken",
            where=host,
            hint="take that mapping out, or name another domain in routes.json",
        )


def _mappings(aws: Aws, host: str) -> list[dict[str, Any]] | None:
    """What the paths of a domain name lead to; None where there is no such name."""
    found: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    while True:
        try:
            answer = aws.call("apigatewayv2", "get_api_mappings", DomainName=host, **page)
        except AwsError as error:
            if error.missing:
                return None
            raise
        found += answer.get("Items", [])
        if not answer.get("NextToken"):
            return found
        page = {"NextToken": answer["NextToken"]}


def attach(aws: Aws, api: Mapping[str, str], host: str) -> dict[str, str]:
    """Lets the domain name's root lead to the API; what that adds to its outputs."""
    made = aws.call(
        "apigatewayv2", "create_api_mapping", DomainName=host, ApiId=api["id"], Stage=api["stage"]
    )
    return {"domain": host, "mapping": made["ApiMappingId"]}


def move(aws: Aws, api: Mapping[str, str]) -> None:
    """Lets the domain name lead to the API's present stage."""
    aws.call(
        "apigatewayv2",
        "update_api_mapping",
        DomainName=api["domain"],
        ApiMappingId=api["mapping"],
        ApiId=api["id"],
        Stage=api["stage"],
    )


def detach(aws: Aws, actual: Actual) -> None:
    """Takes the mapping out where there is one; the domain name stays."""
    if "mapping" not in actual.outputs:
        return
    with defaults.if_there():
        aws.call(
            "apigatewayv2",
            "delete_api_mapping",
            DomainName=actual.outputs["domain"],
            ApiMappingId=actual.outputs["mapping"],
        )
