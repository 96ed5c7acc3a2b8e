"""What the tests of packages share."""

from __future__ import annotations

from collections.abc import Callable

from tc.spec.function import Function

#: make(files by name, name of the function, **fields of `Function`)
Make = Callable[..., Function]

HANDLER = "def handler(event, context):\n    return {'data': 'enhanced-data'}\n"
