"""`dataclass` as the standard library has it, at half the price of a frozen one.

A frozen class takes 0.5 ms more to make than another (Python 3.11), at each start, and a command
loads a hundred. That nobody changes one is held by mypy, which sees the real decorator here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls: type | None = None, /, *, frozen: bool = False, **options: Any
    ) -> type | Callable[[type], type]:
        """With `frozen`, equal ones have one hash, as in the standard library."""

        def made(cls: type) -> type:
            hashed = frozen and options.get("eq", True) and "__hash__" not in cls.__dict__
            return dataclasses.dataclass(unsafe_hash=hashed, **options)(cls)

        return made if cls is None else made(cls)
