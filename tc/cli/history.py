"""Keeps in the artifact bucket that a stable sandbox is about to change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tc.errors import AwsError
from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.plan.resource import Plan
    from tc.publish.bucket import Bucket


def begin(run: Run, target: Target, plan: Plan) -> None:
    """Keeps, before the first change, that a deploy of a version begins, or that other commands
    change what versions are brought to; nothing for a sandbox that isn't stable.

    Where versions were never kept there is no bucket, and nothing is lost. What can't be kept of
    another change than a deploy is a warning.
    """
    from tc.config import read_config
    from tc.publish.bucket import Bucket

    if not (target.commit or _by_versions(target, plan)):
        return
    bucket = Bucket(target.aws, read_config(Path.cwd()).artifacts.bucket)
    try:
        _write(bucket, target)
    except AwsError as error:
        if target.commit:
            raise
        if not error.missing:
            text = f"the change couldn't be recorded: {error.message}"
            hint = "`tc snapshot` and `tc rollback` don't know of it"
            run.emit(Event("warning", text, {"code": error.code, "message": text, "hint": hint}))


def _by_versions(target: Target, plan: Plan) -> bool:
    """Whether it goes live by versions, or did so until now."""
    from tc.components import by_kind

    def is_alias(kind: str) -> bool:
        return by_kind()[kind].TRAITS.switch == "alias"

    return target.scope.stable or any(is_alias(step.kind) for step in plan.steps)


def _write(bucket: Bucket, target: Target) -> None:
    from datetime import UTC, datetime

    from tc.deploy.releases import Record, write
    from tc.spec.manifest import manifest_key

    scope = target.scope
    kept = (scope.namespace, scope.sandbox, scope.version)
    key = manifest_key(scope.namespace, scope.version, local=target.aws.local)
    write(
        bucket,
        Record(
            *kept,
            kind="begun" if target.commit else "changed",
            at=datetime.now(UTC),
            manifest=key if target.commit else "",
            commit=target.commit,
            by=scope.updated_by,
        ),
    )
