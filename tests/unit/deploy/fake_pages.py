"""Pages of the account in memory: no listing tells more at once than AWS would.

The sizes are those of the API references (parameter `MaxResults` and its like of each
operation). Where a reference tells none, the page is small, so that counts are rather too
high than too low.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Listing:
    """`size` things under `key` unless the caller says by `parameter` how many, up to `most`."""

    key: str
    size: int
    most: int
    parameter: str = ""


#: for operations that aren't here
_SMALL = 25

_LISTINGS: Mapping[str, Listing] = {
    "apigateway.get_resources": Listing("items", 25, 500, "limit"),
    "apigateway.get_rest_apis": Listing("items", 25, 500, "limit"),
    "appsync.list_apis": Listing("apis", 25, 25, "maxResults"),
    "appsync.list_channel_namespaces": Listing("channelNamespaces", 25, 25, "maxResults"),
    "appsync.list_graphql_apis": Listing("graphqlApis", 25, 25, "maxResults"),
    "apigatewayv2.get_apis": Listing("Items", 25, 100, "MaxResults"),
    "apigatewayv2.get_integrations": Listing("Items", 25, 100, "MaxResults"),
    "apigatewayv2.get_routes": Listing("Items", 25, 100, "MaxResults"),
    "cloudfront.list_distributions": Listing("Items", 100, 100, "MaxItems"),
    "cognito-idp.list_user_pool_clients": Listing("UserPoolClients", 60, 60, "MaxResults"),
    "cognito-idp.list_user_pools": Listing("UserPools", 60, 60, "MaxResults"),
    "dynamodb.list_tables": Listing("TableNames", 100, 100, "Limit"),
    "events.list_connections": Listing("Connections", 100, 100, "Limit"),
    "events.list_rules": Listing("Rules", 100, 100, "Limit"),
    "events.list_targets_by_rule": Listing("Targets", 100, 100, "Limit"),
    "iam.list_roles": Listing("Roles", 100, 1000, "MaxItems"),
    "lambda.list_event_source_mappings": Listing("EventSourceMappings", 100, 100, "MaxItems"),
    "lambda.list_versions_by_function": Listing("Versions", 50, 50, "MaxItems"),
    "logs.describe_log_groups": Listing("logGroups", 50, 50, "limit"),
    "resourcegroupstaggingapi.get_resources": Listing(
        "ResourceTagMappingList", 50, 100, "ResourcesPerPage"
    ),
    # all that fit in one answer; only who asks for pages gets pages
    "s3.list_buckets": Listing("Buckets", 10_000, 10_000, "MaxBuckets"),
    "scheduler.list_schedules": Listing("Schedules", 100, 100, "MaxResults"),
    "sqs.list_queues": Listing("QueueUrls", 1000, 1000, "MaxResults"),
}


def first_page(operation: str, given: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """`answer` as a single call gives it: not more than a page."""
    listing = _LISTINGS.get(operation)
    if listing is None or not isinstance(answer.get(listing.key), list):
        return answer
    return {**answer, listing.key: answer[listing.key][: _size(listing, given)]}


def pages(
    operation: str, key: str, given: Mapping[str, Any], items: list[Any]
) -> Iterator[list[Any]]:
    """`items` page by page; an empty listing is one page."""
    listing = _LISTINGS.get(operation, Listing(key, _SMALL, _SMALL))
    size = _size(listing, given)
    for start in range(0, max(len(items), 1), size):
        yield items[start : start + size]


def _size(listing: Listing, given: Mapping[str, Any]) -> int:
    asked = given.get("PaginationConfig", {}).get("PageSize") or given.get(listing.parameter)
    return min(int(asked), listing.most) if asked else listing.size
