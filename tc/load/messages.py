"""What pydantic found, in the user's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from tc.load.later import noun, refusal
from tc.load.reader import kind_of
from tc.load.scalars import as_text
from tc.load.suggest import did_you_mean
from tc.records import dataclass
from tc.spec.base import keys
from tc.spec.finding import Key, KeyPath

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_OLD_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_LISTED_KEYS = 20


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong at `path`; `remove` is what must go so that the rest can stand."""

    code: str
    message: str
    path: KeyPath
    remove: KeyPath
    hint: str = ""
    at: Literal["key", "value"] = "value"
    is_users_own: bool = False


def mistakes(model: type[BaseModel], data: Any, error: ValidationError, kind: str) -> list[Mistake]:
    """What is wrong with `data`, in the order of its keys, each place once."""
    if not isinstance(data, Mapping):
        message = f"{noun(kind)} is a mapping (`key: value`), not {kind_of(data)}"
        return [Mistake("wrong-type", message, (), (), at="key")]
    by_path: dict[KeyPath, list[dict[str, Any]]] = {}
    for one in error.errors(include_url=False, include_context=True):
        missing = one["type"] == "missing"
        by_path.setdefault(_path(data, one["loc"], missing), []).append(dict(one))
    teller = _Teller(model, data, kind)
    return [
        teller.tell(path, several)
        for path, several in by_path.items()
        if not _explained_below(path, several, by_path)
    ]


def _explained_below(
    path: KeyPath, several: list[dict[str, Any]], by_path: Mapping[KeyPath, Any]
) -> bool:
    """Whether another member of a union fits better, with its mistakes further down."""
    deeper = any(len(other) > len(path) and other[: len(path)] == path for other in by_path)
    return deeper and all(one["type"] in _EXPECTED for one in several)


def _path(data: Any, loc: tuple[Key, ...], missing: bool) -> KeyPath:
    """`loc` without what pydantic adds to it: the names of a union's members."""
    path: list[Key] = []
    here = data
    for index, part in enumerate(loc):
        is_item = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if is_item or (isinstance(here, Mapping) and part in here):
            here = here[part]
        elif not (missing and index == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


class _Teller:
    def __init__(self, model: type[BaseModel], data: Mapping[str, Any], kind: str):
        self.model = model
        self.data = data
        self.kind = kind

    def tell(self, path: KeyPath, several: list[dict[str, Any]]) -> Mistake:
        one = several[0]
        if one["type"] == "extra_forbidden":
            return self._unknown(path)
        if one["type"] == "missing":
            return self._missing(path)
        value = _value(self.data, path)
        if all(error["type"] in _EXPECTED for error in several):
            expected = list(dict.fromkeys(_EXPECTED[error["type"]] for error in several))
            if "a number" in expected:
                expected = [words for words in expected if words != "a whole number"]
            return self._wrong_type(path, expected, value)
        told = next(error for error in several if error["type"] not in _EXPECTED)
        return Mistake("invalid-value", self._invalid(path, told, value), path, path)

    def _unknown(self, path: KeyPath) -> Mistake:
        key = str(path[-1])
        owner = self._owner(path)
        is_own = key.startswith("x-")
        refused = refusal(owner or self.kind, key)
        if refused:
            message = f"tc takes no `{key}`: {refused[0]}"
            return Mistake("refused-key", message, path, path, refused[1], "key", is_own)
        known = sorted(_keys(self.model, path[:-1]))
        message = f"`{key}` is not a key of {self._called(path)}"
        hint = did_you_mean(key, known)
        if not hint and 0 < len(known) <= _LISTED_KEYS:
            hint = f"its keys are {', '.join(known)}"
        return Mistake("unknown-key", message, path, path, hint, "key", is_own)

    def _missing(self, path: KeyPath) -> Mistake:
        message = f"{self._called(path)} needs `{path[-1]}`"
        return Mistake("missing-key", message, path[:-1], path[:-1], "", "key")

    def _wrong_type(self, path: KeyPath, expected: list[str], value: Any) -> Mistake:
        shown = "" if "environment" in path else _shown(value)
        found = "empty" if value is None else f"{kind_of(value)}{shown}"
        message = f"{self._named(path)} must be {' or '.join(expected)}, not {found}"
        return Mistake("wrong-type", message, path, path, _type_hint(expected, value))

    def _invalid(self, path: KeyPath, error: dict[str, Any], value: Any) -> str:
        context = error.get("ctx", {})
        name = self._named(path)
        if error["type"] in _BOUNDS:
            key, words = _BOUNDS[error["type"]]
            return f"{name} must be {words} {context[key]}, not {as_text(value)}"
        if error["type"] == "literal_error":
            allowed = str(context["expected"]).replace("'", "`")
            return f"{name} must be {allowed}, not {kind_of(value)}{_shown(value)}"
        if error["type"] == "string_too_short":
            return f"{name} must not be empty"
        if error["type"] == "value_error":
            return f"{name}: {context['error']}" if path else str(context["error"])
        text = str(error["msg"])
        return f"{name}: {text[:1].lower()}{text[1:]}"

    def _owner(self, path: KeyPath) -> str:
        """The key of the mapping in which the last key of `path` stands; none at the top."""
        return next((key for key in reversed(path[:-1]) if isinstance(key, str)), "")

    def _called(self, path: KeyPath) -> str:
        owner = self._owner(path)
        return f"`{owner}`" if owner else noun(self.kind)

    def _named(self, path: KeyPath) -> str:
        if not path:
            return noun(self.kind)
        if isinstance(path[-1], int):
            owner = self._owner(path)
            return f"item {path[-1] + 1} of `{owner}`"
        return f"`{path[-1]}`"


def _value(data: Any, path: KeyPath) -> Any:
    for key in path:
        data = data[key]
    return data


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 40 and value.isprintable():
        return f" (`{value}`)"
    if isinstance(value, int | float):
        return f" ({as_text(value)})"
    return ""


def _type_hint(expected: list[str], value: Any) -> str:
    if "text" in expected and isinstance(value, int | float):
        return f'put it in quotes: "{as_text(value)}"'
    if not isinstance(value, str):
        return ""
    if "true or false" in expected:
        meant = _OLD_BOOLEANS.get(value.lower()) or (
            value.lower() if value.lower() in ("true", "false") else ""
        )
        return f"write {meant}" if meant else ""
    if any("number" in word for word in expected) and value.strip().isdecimal():
        return f"write {value.strip()}, without quotes"
    return "write `- ` before it" if expected == ["a list"] else ""


def _keys(model: type[BaseModel], path: KeyPath) -> set[str]:
    """The keys of the mapping at `path` below `model`."""
    return {
        key
        for owner in _models(model, path)
        for spellings in keys(owner).values()
        for key in spellings
    }


def _models(kind: Any, path: KeyPath) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel) and not get_args(kind):
        if not path:
            yield kind
            return
        for name, spellings in keys(kind).items():
            if path[0] in spellings:
                yield from _models(kind.model_fields[name].annotation, path[1:])
        return
    arguments = get_args(kind)
    if get_origin(kind) in (list, dict, tuple) and path:
        yield from _models(arguments[-1], path[1:])
        return
    for argument in arguments:
        yield from _models(argument, path)
