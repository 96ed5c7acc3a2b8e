"""Each type of state: its fields, in both query languages.

Facts: states-language.net, sections "Table of State Types and Fields" and those
of the eight types; Step Functions developer guide, "State types".
"""

from __future__ import annotations

from collections.abc import Mapping

from tc.compose.asl import maps
from tc.compose.asl.choice import choices
from tc.compose.asl.errors import catch, retry
from tc.compose.asl.node import (
    Checker,
    Node,
    anything,
    exclusive,
    fields,
    has,
    integer,
    is_integer,
    number,
    one_of,
    text,
    true,
)
from tc.compose.asl.paths import path
from tc.compose.asl.payload import assign, expression_or, payload, template
from tc.compose.asl.resource import required_arguments, resource
from tc.compose.asl.timestamp import timestamp
from tc.compose.asl.walk import Language, shown

SECONDS_MAX = 99_999_999
EXPRESS_SECONDS_MAX = 300

Table = dict[str, Checker]

# The graph checks Next, End's absence and Default; scopes are checked on their own.
_ANY: Table = {"Type": anything, "Comment": text, "QueryLanguage": one_of("JSONPath", "JSONata")}
_GOES_ON: Table = {"Next": anything, "End": true}
_SECONDS = integer(1, SECONDS_MAX)
_COUNT = integer(0)
_PERCENT = number(0, 100)
_SHARED: dict[str, Table] = {
    "Task": {**_GOES_ON, "Resource": anything, "Retry": retry, "Catch": catch, "Assign": assign,
             "Credentials": template, "TimeoutSeconds": expression_or(_SECONDS),
             "HeartbeatSeconds": expression_or(_SECONDS)},
    "Pass": {**_GOES_ON, "Assign": assign},
    "Choice": {"Choices": choices, "Default": anything, "Assign": assign},
    "Wait": {**_GOES_ON, "Assign": assign, "Seconds": expression_or(integer(0, SECONDS_MAX)),
             "Timestamp": expression_or(timestamp)},
    "Succeed": {},
    "Fail": {"Error": expression_or(text), "Cause": expression_or(text)},
    "Parallel": {**_GOES_ON, "Branches": anything, "Retry": retry, "Catch": catch,
                 "Assign": assign},
    "Map": {**_GOES_ON, "ItemProcessor": anything, "Iterator": anything, "Retry": retry,
            "Catch": catch, "Assign": assign, "ItemSelector": template,
            "MaxConcurrency": expression_or(_COUNT), "ItemReader": maps.item_reader,
            "ItemBatcher": maps.item_batcher, "ResultWriter": maps.result_writer,
            "Label": maps.label, "ToleratedFailureCount": expression_or(_COUNT),
            "ToleratedFailurePercentage": expression_or(_PERCENT)},
}  # fmt: skip

_IN_OUT: Table = {"InputPath": path(null=True), "OutputPath": path(null=True)}
_RESULT: Table = {"ResultPath": path(null=True, reference=True)}
_SELECTED: Table = {**_RESULT, "ResultSelector": template}
_PARAMETERS: Table = {"Parameters": template}
_TEXT_PATH = path(call=True)
_PATH = path()
_JSONPATH: dict[str, Table] = {
    "Task": {**_IN_OUT, **_SELECTED, **_PARAMETERS, "TimeoutSecondsPath": _PATH,
             "HeartbeatSecondsPath": _PATH},
    "Pass": {**_IN_OUT, **_RESULT, **_PARAMETERS, "Result": anything},
    "Choice": _IN_OUT,
    "Wait": {**_IN_OUT, "SecondsPath": _PATH, "TimestampPath": _PATH},
    "Succeed": _IN_OUT,
    "Fail": {"ErrorPath": _TEXT_PATH, "CausePath": _TEXT_PATH},
    "Parallel": {**_IN_OUT, **_SELECTED, **_PARAMETERS},
    "Map": {**_IN_OUT, **_SELECTED, **_PARAMETERS, "ItemsPath": _PATH, "MaxConcurrencyPath": _PATH,
            "ToleratedFailureCountPath": _PATH, "ToleratedFailurePercentagePath": _PATH},
}  # fmt: skip

_OUTPUT: Table = {"Output": payload}
_ARGUMENTS: Table = {**_OUTPUT, "Arguments": template}
_JSONATA: dict[str, Table] = {
    "Task": _ARGUMENTS,
    "Pass": _OUTPUT,
    "Choice": _OUTPUT,
    "Wait": _OUTPUT,
    "Succeed": _OUTPUT,
    "Fail": {},
    "Parallel": _ARGUMENTS,
    "Map": {**_OUTPUT, "Items": maps.items},
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Task": ("Resource",),
    "Choice": ("Choices",),
    "Parallel": ("Branches",),
}
_EXCLUSIVE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Task": (
        ("TimeoutSeconds", "TimeoutSecondsPath"),
        ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ),
    "Fail": (("Error", "ErrorPath"), ("Cause", "CausePath")),
    "Map": (
        ("ItemProcessor", "Iterator"),
        ("MaxConcurrency", "MaxConcurrencyPath"),
        ("ToleratedFailureCount", "ToleratedFailureCountPath"),
        ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ),
}
_JSONATA_HINTS = {
    "Parameters": "`Arguments`",
    "Result": "`Output`",
    "ResultSelector": "`Output`",
    "ResultPath": "`Output`",
    "OutputPath": "`Output`",
    "InputPath": "`$states.input` in an expression",
    "ItemsPath": "`Items`",
}
_ENDS = {
    "Choice": "a Choice goes where its rules and `Default` say",
    "Succeed": "a Succeed always ends the flow",
    "Fail": "a Fail always ends the flow",
}

TYPES = tuple(_SHARED)
#: types that go on by Next or stop by End
GOING_ON = tuple(name for name, table in _SHARED.items() if "Next" in table)


def _table(kind: str, language: Language) -> Table:
    own = _JSONATA if language == "JSONata" else _JSONPATH
    return {**_ANY, **_SHARED[kind], **own[kind]}


_TABLES = {
    (kind, language): _table(kind, language)
    for kind in TYPES
    for language in ("JSONPath", "JSONata")
}


#: every field that some state has
FIELDS = frozenset(name for table in _TABLES.values() for name in table)


def _foreign(kind: str, language: Language) -> dict[str, str]:
    """Sentences for the fields that only the other language has, and for Next where none is."""
    if language == "JSONata":
        hints = {
            name: f"the state is JSONata: {_JSONATA_HINTS.get(name, 'write an expression')}"
            + (" takes its place" if name in _JSONATA_HINTS else " without `Path`")
            for name in _JSONPATH[kind]
        }
    else:
        hints = dict.fromkeys(_JSONATA[kind], "only a state with `QueryLanguage: JSONata` has it")
    if kind in _ENDS:
        hints |= dict.fromkeys(("Next", "End"), _ENDS[kind])
    return hints


def check_state(node: Node, express: bool) -> None:
    """One state; what is nested in it is checked as a scope of its own."""
    if not isinstance(node.value, Mapping):
        node.fail(f"must be a mapping, not {shown(node.value)}", "wrong-type")
        return
    kind = node.value.get("Type")
    if not isinstance(kind, str) or kind not in TYPES:
        _no_type(node)
        return
    fields(
        node,
        _TABLES[kind, node.language],
        _REQUIRED.get(kind, ()),
        _foreign(kind, node.language),
    )
    exclusive(node, *_EXCLUSIVE.get(kind, ()))
    extra = _EXTRA.get(kind)
    if extra:
        extra(node, express)


def _no_type(node: Node) -> None:
    if "Type" not in node.value:
        if has(node.value, "Type", known=FIELDS):
            fields(node, dict.fromkeys(FIELDS, anything))
            return
        node.fail("has no `Type`", "missing-key", f"one of {', '.join(TYPES)}", "key")
        return
    kind = node.field("Type")
    hint = kind.suggest(kind.value, TYPES) or f"one of {', '.join(TYPES)}"
    kind.fail(f"is {shown(kind.value)}, which is no type of state", hint=hint)


def _task(node: Node, express: bool) -> None:
    if "Resource" in node.value:
        resource(node.field("Resource"), express)
        required_arguments(node)
    _deadlines(node, express)


def _deadlines(node: Node, express: bool) -> None:
    timeout, heartbeat = node.value.get("TimeoutSeconds"), node.value.get("HeartbeatSeconds")
    if is_integer(timeout) and is_integer(heartbeat) and heartbeat >= timeout:
        node.field("HeartbeatSeconds").fail(
            f"is {shown(heartbeat)}, not less than `TimeoutSeconds` ({shown(timeout)})", "conflict"
        )
    if "TimeoutSeconds" in node.value:
        express_seconds(node.field("TimeoutSeconds"), express)


def express_seconds(node: Node, express: bool) -> None:
    """An Express execution lasts five minutes at most."""
    if express and is_integer(node.value) and node.value > EXPRESS_SECONDS_MAX:
        node.fail(
            f"is {shown(node.value)}; an Express flow lasts at most {EXPRESS_SECONDS_MAX} s",
            "express-limit",
            "`mode: Standard` lasts up to a year",
        )


def _wait(node: Node, express: bool) -> None:  # noqa: ARG001 - the shape of _EXTRA
    ways = ("Seconds", "Timestamp", "SecondsPath", "TimestampPath")
    used = [name for name in ways if name in node.value]
    if not has(node.value, *ways, known=FIELDS):
        node.fail("does not say how long", "missing-key", "`Seconds` or `Timestamp`", "key")
    elif len(used) > 1:
        both = " and ".join(f"`{name}`" for name in used)
        node.field(used[1]).fail(f"is one too many: the state has {both}", "conflict", at="key")


def _parallel(node: Node, express: bool) -> None:  # noqa: ARG001 - the shape of _EXTRA
    if "Branches" in node.value:
        branches = node.field("Branches")
        if not isinstance(branches.value, list) or not branches.value:
            branches.fail("must be a list of branches, one at least", "wrong-type")


def _map(node: Node, express: bool) -> None:
    if not has(node.value, "ItemProcessor", "Iterator", known=FIELDS):
        node.fail("has no `ItemProcessor`", "missing-key", at="key")
    maps.check_mode(node, express)


_EXTRA = {"Task": _task, "Wait": _wait, "Parallel": _parallel, "Map": _map}
