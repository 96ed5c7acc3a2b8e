"""The least number of calls that could do what a command promises, with the reason for each.

For a topology of N functions (each with a role, its policy and a log group), an
own HTTP API with a route to each, and a flow. Where the least is 0, the call
could be spared; the reason says what it would take.
"""

from __future__ import annotations

from collections.abc import Mapping

Least = Mapping[str, tuple[int, str]]

_ACCOUNT = (1, "whose account it is, before anything is written")
_ROLES = (1, "what the sandbox owns: the tag index has no roles")
_TAGGED = (1, "what the sandbox owns: all but roles")
_LOG_TAGS = (0, "the tag index tells whose a log group is; asked because the index lags")
_LISTED = (0, "the tag index names them; listed because the index lags")
_LISTED_FOR_ALL = {
    "dynamodb.list_tables": _LISTED,
    "events.list_connections": _LISTED,
    "events.list_rules": _LISTED,
    "s3.list_buckets": _LISTED,
    "sqs.list_queues": _LISTED,
}
_API_ID = (1, "an API's id can't be computed; one listing has all")
_API_BY_ID = (1, "the API, whose id the tag index tells")
_NO_REST = (1, "a namesake may be of either protocol")
_GROUPS = (1, "one listing by prefix has all groups")


def least(command: str, functions: int) -> Least:
    """Operation -> (the least number of calls, why), for ``create``, ``again``,
    ``update`` (of one function's code) and ``delete``."""
    return {"create": _create, "again": _again, "update": _update, "delete": _delete}[command](
        functions
    )


def _create(n: int) -> Least:
    return {
        "sts.get_caller_identity": _ACCOUNT,
        "iam.list_roles": _ROLES,
        "resourcegroupstaggingapi.get_resources": _TAGGED,
        **_LISTED_FOR_ALL,
        "apigateway.get_rest_apis": _NO_REST,
        "apigatewayv2.get_apis": _API_ID,
        "iam.get_role": (n + 1, "a foreign role of that name stops the run before any write"),
        "lambda.get_function": (2 * n, "before: a foreign function; after: until it is Active"),
        "logs.describe_log_groups": _GROUPS,
        "stepfunctions.describe_state_machine": (1, "creating accepts a foreign namesake silently"),
        "iam.create_role": (n + 1, "one for each function, one for the flow"),
        "iam.put_role_policy": (n + 1, "CreateRole takes no policy"),
        "logs.create_log_group": (n, "made by Lambda it would never expire"),
        "logs.put_retention_policy": (n, "CreateLogGroup takes no retention"),
        "lambda.create_function": (n, "one each, tags included"),
        "lambda.add_permission": (n, "one for the whole API on each function"),
        "apigatewayv2.import_api": (1, "the API with all its routes"),
        "apigatewayv2.create_stage": (1, "an import has no stage"),
        "stepfunctions.create_state_machine": (1, "tags included"),
    }


def _again(n: int) -> Least:
    return {
        "sts.get_caller_identity": _ACCOUNT,
        "iam.list_roles": _ROLES,
        "resourcegroupstaggingapi.get_resources": _TAGGED,
        **_LISTED_FOR_ALL,
        "apigatewayv2.get_api": _API_BY_ID,
        "apigatewayv2.get_authorizers": (1, "all authorizers in one listing"),
        "apigatewayv2.get_routes": (1, "all routes in one listing"),
        "apigatewayv2.get_integrations": (1, "all integrations in one listing"),
        "apigatewayv2.get_stages": (1, "without its stage the API doesn't answer"),
        "iam.get_role": (0, "ListRoles has all but tags and boundary, which may have drifted"),
        "iam.get_role_policy": (n + 1, "ListRoles has the roles, not their policies"),
        "lambda.get_function": (n, "code sum, configuration and tags of one function"),
        "lambda.get_policy": (n, "who may invoke the function"),
        "logs.describe_log_groups": _GROUPS,
        "logs.list_tags_for_resource": _LOG_TAGS,
        "stepfunctions.describe_state_machine": (1, "definition and role"),
        "stepfunctions.list_tags_for_resource": (0, "the tag index tells whose it is, with a lag"),
    }


def _update(_n: int) -> Least:
    return {
        "sts.get_caller_identity": _ACCOUNT,
        "lambda.get_function": (2, "before: the live code's sum; after: until it is in force"),
        "lambda.update_function_code": (1, "the change"),
    }


def _delete(n: int) -> Least:
    return {
        "sts.get_caller_identity": _ACCOUNT,
        "iam.list_roles": _ROLES,
        "resourcegroupstaggingapi.get_resources": _TAGGED,
        **_LISTED_FOR_ALL,
        "apigatewayv2.get_api": _API_BY_ID,
        "apigatewayv2.get_authorizers": (0, "authorizers go with their API"),
        "apigatewayv2.get_routes": (0, "routes go with their API"),
        "apigatewayv2.get_integrations": (0, "integrations go with their API"),
        "apigatewayv2.get_stages": (0, "stages go with their API"),
        "iam.get_role": (0, "its path, which ListRoles tells, says whose a role is"),
        "iam.get_role_policy": (0, "deleting a policy that isn't there is no harm"),
        "lambda.get_function": (n, "whose it is, from the function itself"),
        "lambda.get_policy": (0, "permissions go with their function"),
        "logs.describe_log_groups": _GROUPS,
        "logs.list_tags_for_resource": _LOG_TAGS,
        "stepfunctions.describe_state_machine": (2, "before: whose it is; after: until it is gone"),
        "stepfunctions.list_tags_for_resource": (0, "the tag index tells whose it is, with a lag"),
        "lambda.delete_function": (n, "one each"),
        "iam.delete_role_policy": (n + 1, "a role with a policy can't be deleted"),
        "iam.delete_role": (n + 1, "one each"),
        "logs.delete_log_group": (n, "one each"),
        "apigatewayv2.delete_api": (1, "with all its routes"),
        "stepfunctions.delete_state_machine": (1, "one"),
    }
