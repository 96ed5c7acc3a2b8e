"""Did you mean."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that `word` was probably meant to be, or nothing."""
    import difflib

    candidates = list(words)
    lowered = {candidate.lower(): candidate for candidate in candidates}
    if word.lower() in lowered:
        return lowered[word.lower()]
    found = difflib.get_close_matches(word[:80], candidates, 1, 0.6)
    return found[0] if found else ""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The hint, or nothing."""
    found = closest(word, words)
    return f"did you mean `{found}`?" if found else ""
