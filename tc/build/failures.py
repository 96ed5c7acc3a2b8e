"""Several failures in one error, so that each is told in one run."""

from __future__ import annotations

from collections.abc import Sequence

from tc.errors import TcError


def together(failures: Sequence[TcError], what: str, code: str) -> TcError:
    """The failure, or one that tells all of them, each with its place and its way out;
    `what` is what can't be done of several: ``layers can't be built``."""
    if len(failures) == 1:
        return failures[0]
    texts = [
        f"{error.where}: {error.message}" + (f"\n  next: {error.hint}" if error.hint else "")
        for error in failures
    ]
    return TcError(f"{len(failures)} {what}:\n\n" + "\n\n".join(texts), code=code)
