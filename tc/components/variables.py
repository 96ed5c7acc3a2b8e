"""The environment variables of functions: what Lambda takes, and what nobody may see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tc.errors import AwsError
from tc.spec.fetched import is_reference, masked, revealed
from tc.spec.finding import Finding
from tc.spec.function import Function

#: bytes of environment variables in a function, names and values (Lambda quota)
ENVIRONMENT_LIMIT = 4096
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+\Z")
#: reserved environment variables (Lambda developer guide), those that matter here
_RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)


def check_variables(function: Function) -> Iterable[Finding]:
    """Names of variables that Lambda refuses or sets itself, and more of them than it takes."""
    for name in function.environment:
        if not _VARIABLE.match(name):
            why = "two characters or more: a letter, then letters, digits and `_`"
        elif name in _RESERVED:
            why = "Lambda sets this one itself"
        else:
            continue
        yield Finding(
            "bad-variable",
            f"`{name}` can't be a variable of `{function.name}`",
            function.written_at("environment", name),
            why,
            at="key",
        )
    size = environment_bytes(function.environment)
    if size > ENVIRONMENT_LIMIT:
        yield Finding(
            "environment-too-long",
            f"the environment of `{function.name}` has {size:,} bytes; "
            f"Lambda takes {ENVIRONMENT_LIMIT:,}",
            function.written_at("environment"),
            "keep large values in a file of the package or in SSM",
        )


def environment_bytes(environment: Mapping[str, Any]) -> int:
    """What Lambda counts: names and values; of a value that isn't fetched yet only its name."""
    return sum(
        len(name.encode()) + (0 if is_reference(value) else len(str(revealed(value)).encode()))
        for name, value in environment.items()
    )


@contextmanager
def unsaid(environment: Mapping[str, Any]) -> Iterator[None]:
    """Takes fetched values out of what Lambda says: it repeats an environment it can't use."""
    try:
        yield
    except AwsError as error:
        message = masked(error.message, environment.values())
        raise AwsError(
            message,
            aws_code=error.aws_code,
            operation=error.operation,
            status=error.status,
            where=error.where,
            hint=error.hint,
        ) from None
