"""What delivery streams may do: write to their bucket, and call the function that changes
their records ("Controlling access with Amazon Data Firehose")."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.keys import key_statements
from tc.compose.permissions.parts import Parts
from tc.compose.things import bucket_arn
from tc.spec.topology import Entry, RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("streams"):
        yield RoleSpec(
            f"stream.{entry.name}",
            "firehose.amazonaws.com",
            ("stream", entry.name),
            tuple(_statements(parts, entry)),
        )


def _statements(parts: Parts, entry: Entry) -> Iterator[Statement]:
    written = str(getattr(entry.model, "bucket", ""))
    own = [target for target in entry.targets if target[0] == "bucket"]
    arn = bucket_arn(parts.scope, own[0][1]) if own else written
    yield Statement(
        (
            "s3:AbortMultipartUpload",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:PutObject",
        ),
        (arn, f"{arn}/*"),
        f"bucket {own[0][1] if own else written}",
    )
    for target in own:
        yield from key_statements(parts, target, f"bucket {target[1]}")
    for kind, name in entry.targets:
        if kind == "function":
            function = parts.scope.arn("lambda", f"function:{parts.function_name(name)}")
            yield Statement(
                ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction"),
                (function, f"{function}:*"),
                f"function {name}",
            )
