"""What tc must know about AWS operations beyond their shape.

Sources: the services' API references (which calls take an idempotency token),
"Lambda quotas" and "Quotas for configuring and running a REST API in Amazon API
Gateway" (calls per second and account).
"""

from __future__ import annotations

from tc.records import dataclass

#: operations whose name starts so only read
_READS = (
    "batch_get_",
    "describe_",
    "filter_",
    "get_",
    "head_",
    "list_",
    "lookup_",
    "query",
    "scan",
    "search_",
    "simulate_",
    "test_",
    "validate_",
)

#: operations that would take effect twice if a lost answer made the call be sent
#: again: they have no idempotency token, and a second call is no error
_ONCE: dict[str, tuple[str, ...]] = {
    "apigateway": ("create_", "import_"),
    "apigatewayv2": ("create_", "import_"),
    "appsync": ("create_",),
    "cognito-idp": ("create_user_pool",),
    "events": ("put_events",),
    "lambda": ("create_event_source_mapping", "invoke", "publish_layer_version"),
    "sns": ("publish",),
    "sqs": ("send_message",),
    "stepfunctions": ("start_sync_execution",),
}

#: operations that answer only when the user's own code is done
_LONG = {("lambda", "invoke"), ("stepfunctions", "start_sync_execution")}

#: error codes that say "too fast": such a call had no effect, so even a call that
#: must be sent once may be sent again
THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `per_second` calls a second, after `burst` at once. `name` is the bucket's."""

    name: str
    per_second: float
    burst: int = 1


_LAMBDA = Rate("lambda", 15, burst=5)
_LAMBDA_GET = Rate("lambda.get_function", 100, burst=50)
_LAMBDA_UNLIMITED = {"invoke", "get_policy"}
_GATEWAY = Rate("apigateway", 10, burst=20)
#: what each category of calls on pools and their clients has ("Quotas in Amazon Cognito")
_COGNITO = Rate("cognito-idp", 15, burst=5)
_REST_API_CREATES = Rate("apigateway.create_rest_api", 1 / 3)
_GATEWAY_OWN = {
    "create_deployment": Rate("apigateway.create_deployment", 1 / 5),
    "create_rest_api": _REST_API_CREATES,
    "import_rest_api": _REST_API_CREATES,
    "delete_rest_api": Rate("apigateway.delete_rest_api", 1 / 30),
}


def writes(operation: str) -> bool:
    """Whether `operation` (snake_case) can change something; in doubt it can."""
    return not operation.startswith(_READS)


def only_once(service: str, operation: str) -> bool:
    """Whether the call must not be repeated when its answer was lost."""
    return operation.startswith(_ONCE.get(service, ()))


def is_long(service: str, operation: str) -> bool:
    """Whether the answer may take minutes."""
    return (service, operation) in _LONG


def rates(service: str, operation: str) -> tuple[Rate, ...]:
    """The limits that a call comes under in an AWS account."""
    if service == "lambda" and operation not in _LAMBDA_UNLIMITED:
        return (_LAMBDA_GET if operation == "get_function" else _LAMBDA,)
    if service == "cognito-idp":
        return (_COGNITO,)
    if service == "apigateway" and operation in _GATEWAY_OWN:
        return (_GATEWAY_OWN[operation], _GATEWAY)
    if service in {"apigateway", "apigatewayv2"}:
        return (_GATEWAY,)
    return ()
