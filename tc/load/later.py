"""Keys that the grammar has and this version of tc can't deploy: said, never ignored."""

from __future__ import annotations


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: what a mapping is -> its keys in the whole grammar; those that a model has are never looked up
LATER: dict[str, frozenset[str]] = {
    "topology": _keys(
        "routes events "
        "jobs tests concurrency hyphenated_names"
    ),
    "functions": _keys("test shared fqn namespace"),
    "function file": _keys("test shared fqn namespace"),
    "build": _keys(
        "package_manager shared_context skip_dev_deps dirs include_deps version image_name"
    ),
    "routes": _keys("vertical"),
    "routes.json": _keys("verticals"),
}
_ARTICLES = {
    "hooks": "the hooks",
    "policies": "a policy document",
    "activities": "an activity",
    "events": "an event",
    "vars": "a vars file",
}


def is_later(kind: str, key: str) -> bool:
    return key in LATER.get(kind, ())


def noun(kind: str) -> str:
    """`routes` as it stands in a sentence: `a route`."""
    if kind in _ARTICLES:
        return _ARTICLES[kind]
    one = kind.removesuffix("s")
    return f"an {one}" if one[:1] in "aeiou" else f"a {one}"
