"""What runs where: the lines of `tc snapshot`, and the file that it writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tc.errors import UsageError

#: of the layout of the file; what is newer can't be read
FORMAT = 1


class Running(BaseModel):
    """A version of a topology in a sandbox of an env. `since` is UTC, `by` who brought it there,
    `commit` what it was made of; empty where nobody kept it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topology: str
    sandbox: str
    env: str
    version: str
    commit: str = ""
    since: str = ""
    by: str = ""


class Snapshot(BaseModel):
    """Everything that ran in some envs at a time (UTC)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int
    at: str
    running: tuple[Running, ...]

    def text(self) -> str:
        return self.model_dump_json(indent=2) + "\n"


def read(file: Path) -> Snapshot:
    """The snapshot that stands in `file`: what ``-o`` wrote, or a line of ``--json``.

    Raises UsageError when it is none.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text"
        raise UsageError(
            f"the snapshot can't be read: {str(why).lower()}",
            code="no-snapshot",
            where=str(file),
            hint="tc snapshot -e qa -o FILE",
        ) from None
    try:
        found = Snapshot.model_validate(_object(text))
    except (ValidationError, ValueError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError(
            f"this is no snapshot: {why[:1].lower()}{why[1:]}",
            code="no-snapshot",
            where=str(file),
            hint="tc snapshot -e qa -o FILE",
        ) from None
    if found.format > FORMAT:
        raise UsageError(
            f"the snapshot has format {found.format}, and this tc reads {FORMAT}",
            code="no-snapshot",
            where=str(file),
            hint="update tc",
        )
    return found


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        lines: Sequence[Any] = [json.loads(line) for line in text.splitlines() if line.strip()]
        return next((line for line in lines if isinstance(line, dict) and "running" in line), None)
