"""CloudFront Functions: JavaScript that runs with each request or answer of a page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.spec.names import shorten

#: characters of a name (CreateFunction)
_NAME_LIMIT = 64
_RUNTIME = "cloudfront-js-2.0"
#: when -> the event of the association
EVENTS = {"request": "viewer-request", "response": "viewer-response"}


def digest(code: str | bytes) -> str:
    """What tells that the code is another one; the first characters of its SHA-256."""
    text = code.encode() if isinstance(code, str) else code
    return hashlib.sha256(text).hexdigest()[:16]


def function_name(base: str, when: str) -> str:
    return shorten(f"{base}_{when}", _NAME_LIMIT)


def put(aws: Aws, name: str, code: str, comment: str) -> str:
    """Makes or changes the function, and publishes it; its ARN.

    `comment` is the mark by which it is known as ours. Raises TcError ``not-owned``
    when a function of this name has another one.
    """
    config = {"Comment": comment, "Runtime": _RUNTIME}
    given = {"Name": name, "FunctionConfig": config, "FunctionCode": code.encode()}
    live = _described(aws, name)
    if live is None:
        etag = aws.call("cloudfront", "create_function", **given)["ETag"]
    else:
        if live["FunctionSummary"]["FunctionConfig"].get("Comment") != comment:
            raise TcError(
                f"the CloudFront function {name} belongs to another",
                code="not-owned",
                where=name,
                hint="rename the page, or delete that function",
            )
        aws.call("cloudfront", "update_function", IfMatch=live["ETag"], **given)
        # UpdateFunction's own answer has it in a header that not everybody sends (`ETtag`)
        etag = aws.call("cloudfront", "describe_function", Name=name, Stage="DEVELOPMENT")["ETag"]
    made = aws.call("cloudfront", "publish_function", Name=name, IfMatch=etag)
    return str(made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        return aws.call("cloudfront", "describe_function", Name=name, Stage="DEVELOPMENT")
    except AwsError as error:
        if error.missing:
            return None
        raise


def live_digests(aws: Aws, arns: Mapping[str, str]) -> dict[str, str]:
    """The digest of the published code of each function, by when it runs."""

    def read(item: tuple[str, str]) -> tuple[str, str]:
        when, arn = item
        with defaults.if_there():
            name = arn.rpartition("/")[2]
            code = aws.call("cloudfront", "get_function", Name=name, Stage="LIVE")["FunctionCode"]
            return when, digest(code)
        return when, ""

    return dict(aws.map(read, sorted(arns.items())))


def remove(aws: Aws, arn: str, comment: str) -> None:
    """Deletes the function when it is ours."""
    name = arn.rpartition("/")[2]
    live = _described(aws, name)
    if live and live["FunctionSummary"]["FunctionConfig"].get("Comment") == comment:
        with defaults.if_there():
            aws.call("cloudfront", "delete_function", Name=name, IfMatch=live["ETag"])
