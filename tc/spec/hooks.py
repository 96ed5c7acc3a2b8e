"""Hooks: the user's own commands before and after tc changes a sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.finding import Address

When = Literal["pre", "post"]
OnFailure = Literal["exit", "continue"]
WHEN: tuple[When, ...] = ("pre", "post")


class HookEntry(Strict):
    """One command of `hooks`."""

    command: Annotated[str, Field(min_length=1)] = Field(description="run by /bin/sh")
    dir: str | None = Field(None, description="where it runs, from the topology's directory")
    on_failure: OnFailure = Field(
        "exit", description="`exit` ends the run with exit code 1, `continue` warns"
    )


class HooksFile(Strict):
    """`hooks` of a topology, and hooks.json."""

    pre: list[HookEntry] = Field([], description="before the first change")
    post: list[HookEntry] = Field([], description="after the last change, when all went well")


@dataclass(frozen=True, slots=True)
class Hook:
    """A command as written, templates included; `dir` is a directory inside the project."""

    when: When
    command: str
    dir: Path
    on_failure: OnFailure
    address: Address
