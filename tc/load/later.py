"""Keys of the grammar that tc never takes: said, never ignored."""

from __future__ import annotations

_VERTICAL = (
    "what a vertical is, is known to the company that named it, and not to tc",
    "write the host of the API below `domains` of routes.json",
)
_SHARED = (
    "a function whose `uri` leads elsewhere is shared as it is: each topology deploys its own",
    "take it out",
)
#: what a mapping is -> keys of the grammar that tc never takes: why, and what to do instead
REFUSED: dict[str, dict[str, tuple[str, str]]] = {
    "topology": {
        "hyphenated_names": (
            "names joined by `-` can't be read back, since namespaces and sandboxes hold it too",
            "write `fqn` for a function whose name others know",
        ),
        "concurrency": (
            "every function would take that much of what the whole account may run at once",
            "write `reserved_concurrency` for the functions that need it",
        ),
    },
    "routes": {"vertical": _VERTICAL},
    "routes.json": {"verticals": _VERTICAL},
    "buckets": {
        "event": (
            "EventBridge has a bucket's events already, and can't rename them",
            "write an event with `producer: S3/PUT_OBJECT` and this `bucket`",
        ),
    },
    "functions": {"shared": _SHARED},
    "function file": {"shared": _SHARED},
}
_ARTICLES = {
    "hooks": "the hooks",
    "policies": "a policy document",
    "activities": "an activity",
    "events": "an event",
    "vars": "a vars file",
}


def refusal(kind: str, key: str) -> tuple[str, str] | None:
    """Why tc never takes `key` of a mapping of this kind, and what to do instead."""
    return REFUSED.get(kind, {}).get(key)


def noun(kind: str) -> str:
    """`routes` as it stands in a sentence: `a route`."""
    if kind in _ARTICLES:
        return _ARTICLES[kind]
    one = kind.removesuffix("s")
    return f"an {one}" if one[:1] in "aeiou" else f"a {one}"
