"""Values that only AWS knows until a thing exists."""

from __future__ import annotations

from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """``before + outputs[attr] + after`` of the resource `key`.

    Shown as "known after create".
    """

    key: str
    attr: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}(known after create){self.after}"


@dataclass(frozen=True, slots=True)
class Joined:
    """A text with several such values in it."""

    parts: tuple[str | Ref, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


def refs(value: object) -> list[Ref]:
    """Every `Ref` inside plain data, in order."""
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, Joined):
        return [part for part in value.parts if isinstance(part, Ref)]
    if isinstance(value, dict):
        return [ref for item in value.values() for ref in refs(item)]
    if isinstance(value, list | tuple):
        return [ref for item in value for ref in refs(item)]
    return []
