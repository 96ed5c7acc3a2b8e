"""The GraphQL schema of a topology's mutations, and what is wrong with it.

A schema is plain data: definitions by their head (``type Run``), fields by name and
arguments (``start(input: RunInput!)``), so that a plan tells which field differs. The
same topology gives the same text every time: what nobody ordered is sorted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tc.records import dataclass

Fields = dict[str, str]
Schema = dict[str, Fields]

#: scalars of GraphQL and of AppSync ("Scalar types in AWS AppSync")
SCALARS = frozenset(
    {
        *("ID", "String", "Int", "Float", "Boolean"),
        *("AWSDate", "AWSTime", "AWSDateTime", "AWSTimestamp"),
        *("AWSEmail", "AWSJSON", "AWSURL", "AWSPhone", "AWSIPAddress"),
    }
)
ROOTS = frozenset({"Query", "Mutation", "Subscription"})
#: fields that every type has
STAMPS = ("createdAt", "updatedAt")
_STAMP = "AWSDateTime"
#: inputs that need no definition: their fields, and what of an event fills them
METADATA: Fields = {"id": "ID", "source": "String", "type": "String", "time": "AWSDateTime"}
_METADATA_PATHS = {"id": "$.id", "source": "$.source", "type": "$.detail-type", "time": "$.time"}
_DATA_JSON: Fields = {"data": "AWSJSON!", "metadata": "EventMetadata"}
#: inputs made of the fields that the mutation gives back -> where they stand in an event
OF_OUTPUT = {"Event": "$.detail", "EventData": "$.detail.data"}
IMPLICIT = frozenset({*OF_OUTPUT, "EventDataJSON", "EventMetadata"})

NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*\Z")
_TYPE = re.compile(r"\s*(?P<open>\[*)\s*(?P<name>\w+)\s*!?\s*(?P<close>(?:\]\s*!?\s*)*)\Z")


@dataclass(frozen=True, slots=True)
class Api:
    """What a user says of the API: fields of each type and input, resolvers by name.

    `called` are the mutations that IAM callers (events, functions) call; `directive` is that
    of everybody else (``@aws_api_key``). `keys` has the key fields of each type that a
    table holds, and their types.
    """

    types: Mapping[str, Mapping[str, str]]
    inputs: Mapping[str, Mapping[str, str]]
    resolvers: Mapping[str, Any]
    called: frozenset[str] = frozenset()
    directive: str = "@aws_api_key"
    keys: Mapping[str, Mapping[str, str]] | None = None


def base_of(written: str) -> str | None:
    """The name in a type (``[Run!]!`` is ``Run``); None when it is no type."""
    match = _TYPE.match(written)
    if match is None or len(match["open"]) != match["close"].count("]"):
        return None
    return match["name"]


def input_name(api: Api, resolver: str) -> str | None:
    """The type of the mutation's argument; None for one without."""
    written = api.resolvers[resolver].input
    if written in OF_OUTPUT and written not in api.inputs:
        return f"{_capital(resolver)}{written}"
    return written or None


def query_name(type_name: str) -> str:
    return f"get{_capital(type_name)}"


def subscription_name(resolver: str) -> str:
    return f"subscribe{_capital(resolver)}"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def fields_of(api: Api, type_name: str) -> Fields:
    """The fields of a type, as written, with the two times that every type has."""
    return {**api.types[type_name], **dict.fromkeys(_missing(api.types[type_name]), _STAMP)}


def _missing(fields: Mapping[str, str]) -> list[str]:
    return [name for name in STAMPS if name not in fields]


def outputs(api: Api) -> list[str]:
    """The types that mutations give back, in the order of the resolvers."""
    bases = [base_of(model.output) or "" for model in api.resolvers.values()]
    return list(dict.fromkeys(base for base in bases if base in api.types))


def schema(api: Api) -> Schema:
    """The whole schema."""
    made: Schema = {"type Query": _queries(api), "type Mutation": _mutations(api)}
    if subscriptions := _subscriptions(api):
        made["type Subscription"] = subscriptions
    reachable = _reachable(api)
    both = " ".join(sorted(["@aws_iam", api.directive]))
    for name in api.types:
        head = f"type {name} {both}" if name in reachable else f"type {name}"
        made[head] = fields_of(api, name)
    for name, fields in api.inputs.items():
        made[f"input {name}"] = dict(fields)
    return {**made, **_implicit(api)}


def _queries(api: Api) -> Fields:
    """A type that a table holds is found by its key, any other one by nothing: a schema
    must have a query, and AppSync answers null where no resolver is."""
    queries: Fields = {}
    for name in outputs(api):
        keys = (api.keys or {}).get(name) or {"id": "ID!"}
        arguments = ", ".join(f"{key}: {of}" for key, of in keys.items())
        queries[f"{query_name(name)}({arguments})"] = name
    return queries or {"version": "String"}


def _mutations(api: Api) -> Fields:
    made: Fields = {}
    for name, model in api.resolvers.items():
        of = input_name(api, name)
        arguments = f"(input: {of}{'' if of.endswith('!') else '!'})" if of else ""
        both = f" {' '.join(sorted(['@aws_iam', api.directive]))}" if name in api.called else ""
        made[f"{name}{arguments}"] = f"{model.output}{both}"
    return made


def _subscriptions(api: Api) -> Fields:
    """What a subscription gives may always be null (AppSync)."""
    return {
        subscription_name(name): f'{model.output.rstrip("!")} @aws_subscribe(mutations: ["{name}"])'
        for name, model in api.resolvers.items()
        if model.subscribe
    }


def _reachable(api: Api) -> set[str]:
    """The types that IAM callers get."""
    waiting = [base_of(api.resolvers[name].output) or "" for name in sorted(api.called)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in api.types and name not in found:
            found.add(name)
            waiting += [base_of(of) or "" for of in api.types[name].values()]
    return found


def _implicit(api: Api) -> Schema:
    made: Schema = {}
    used = {model.input for model in api.resolvers.values()} - set(api.inputs)
    for name, model in api.resolvers.items():
        if model.input in used & OF_OUTPUT.keys():
            made[f"input {input_name(api, name)}"] = _of_output(api, model.output)
    if "EventDataJSON" in used:
        made["input EventDataJSON"] = dict(_DATA_JSON)
    if used & {"EventDataJSON", "EventMetadata"} and "EventMetadata" not in api.inputs:
        made["input EventMetadata"] = dict(METADATA)
    return made


def _of_output(api: Api, output: str) -> Fields:
    """The fields of a type that an input can have, none of them required."""
    fields = api.types.get(base_of(output) or "", {})
    return {name: of.rstrip("! ") for name, of in fields.items() if base_of(of) in SCALARS}


# the text


def text(made: Schema) -> str:
    """The schema in GraphQL's schema definition language."""
    blocks = [
        "\n".join([f"{head} {{", *(f"  {name}: {of}" for name, of in fields.items()), "}"])
        for head, fields in made.items()
    ]
    return "\n\n".join(blocks) + "\n"


_NOISE = re.compile(r'"""[\s\S]*?"""|#[^\n]*')
_BLOCK = re.compile(r"\b(type|input|enum|interface)\s+(\w+)([^{}]*)\{([^{}]*)\}")
_FIELD = re.compile(
    r"(?P<name>\w+)\s*(?P<arguments>\([^)]*\))?\s*:\s*(?P<of>[\[\]!\w\s]*?[\]!\w])"
    r"(?P<directives>(?:\s*@\w+(?:\s*\([^)]*\))?)*)\s*(?=,|\Z|\w+\s*[(:])"
)
_DIRECTIVE = re.compile(r"@\w+(?:\s*\([^)]*\))?")


def parse(sdl: str) -> Schema:
    """The definitions in `sdl`, however they are laid out; the inverse of `text`."""
    found: Schema = {}
    for kind, name, directives, body in _BLOCK.findall(_NOISE.sub("", sdl)):
        head = " ".join([f"{kind} {name}", *_directives(directives)])
        found[head] = {
            f"{match['name']}{_spaced(match['arguments'] or '')}": " ".join(
                [re.sub(r"\s+", "", match["of"]), *_directives(match["directives"])]
            )
            for match in _FIELD.finditer(body.strip())
        }
    return found


def _directives(written: str) -> list[str]:
    return sorted(_spaced(one) for one in _DIRECTIVE.findall(written))


def _spaced(written: str) -> str:
    """Arguments with the blanks that `text` writes."""
    parts = re.sub(r"\s+", " ", written.replace(" (", "("))
    return re.sub(r"\s*([,:])\s*", r"\1 ", parts).replace("( ", "(").replace(" )", ")")


# events


def operation(api: Api, resolver: str) -> str:
    """The mutation that a rule calls, asking for every field, since subscribers get no more."""
    of = input_name(api, resolver)
    variable, argument = (f"($input: {of}!)", "(input: $input)") if of else ("", "")
    chosen = _selection(api, base_of(api.resolvers[resolver].output) or "", ())
    return f"mutation {_capital(resolver)}{variable} {{ {resolver}{argument}{chosen} }}"


def _selection(api: Api, type_name: str, above: tuple[str, ...]) -> str:
    if type_name not in api.types:
        return ""
    chosen = []
    for name, of in fields_of(api, type_name).items():
        base = base_of(of) or ""
        if base not in (type_name, *above):
            chosen.append(f"{name}{_selection(api, base, (*above, type_name))}")
    return f" {{ {' '.join(chosen)} }}"


def variables(api: Api, resolver: str) -> tuple[dict[str, str], str]:
    """The paths into an event and the template of the mutation's variables.

    Objects go over whole: EventBridge doesn't escape texts that it takes out of an event.
    """
    written = api.resolvers[resolver].input
    if not written:
        return {}, "{}"
    if written == "EventMetadata" and written not in api.inputs:
        inner = ", ".join(f'"{name}": <{name}>' for name in _METADATA_PATHS)
        return dict(_METADATA_PATHS), f'{{"input": {{{inner}}}}}'
    implicit = written in OF_OUTPUT and written not in api.inputs
    return {"input": OF_OUTPUT[written] if implicit else "$.detail"}, '{"input": <input>}'


# what is wrong

#: (keys below `mutations`, message, hint)
Problem = tuple[tuple[str, ...], str, str]


def problems(api: Api) -> Iterator[Problem]:
    """What GraphQL would refuse: names, types that don't exist, inputs that are given back."""
    for section, definitions in (("types", api.types), ("inputs", api.inputs)):
        for name, fields in definitions.items():
            yield from _name_problems((section, name), name)
            if section == "inputs" and name in api.types:
                yield (section, name), f"`{name}` is a type and an input", "rename one"
            if not fields:
                yield (section, name), f"`{name}` has no fields", ""
            for field, of in fields.items():
                yield from _field_problems(api, section, name, field, of)
    for name, model in api.resolvers.items():
        yield from _resolver_problems(api, name, model)


def _name_problems(at: tuple[str, ...], name: str) -> Iterator[Problem]:
    if name in ROOTS or name in SCALARS:
        yield at, f"`{name}` is GraphQL's own", "call it otherwise"
    elif not NAME.match(name):
        yield at, f"`{name}` is no GraphQL name", "letters, digits and _, no digit first"


def _field_problems(api: Api, section: str, name: str, field: str, of: str) -> Iterator[Problem]:
    at = (section, name, field)
    if not NAME.match(field):
        yield at, f"`{field}` is no GraphQL name", "letters, digits and _, no digit first"
    known = api.types if section == "types" else api.inputs
    other = api.inputs if section == "types" else api.types
    yield from _type_problems(at, of, known, other, section)


def _type_problems(
    at: tuple[str, ...],
    of: str,
    known: Mapping[str, Any],
    other: Mapping[str, Any],
    section: str,
) -> Iterator[Problem]:
    base = base_of(of)
    if base is None:
        yield at, f"`{of}` is no GraphQL type", "such as `String`, `Int!`, `[ID!]`"
    elif base in other and base not in known:
        what = "an input, which can't be given back" if section == "types" else "no input"
        yield at, f"`{base}` is {what}", f"write one of `{section}`"
    elif base not in known and base not in SCALARS:
        names = ", ".join([*known, "String", "Int", "…"])
        yield at, f"there is no type `{base}`", f"there are: {names}"


def _resolver_problems(api: Api, name: str, model: Any) -> Iterator[Problem]:
    at = ("resolvers", name)
    if not NAME.match(name):
        yield at, f"`{name}` is no GraphQL name", "letters, digits and _, no digit first"
    yield from _type_problems((*at, "output"), model.output, api.types, api.inputs, "types")
    written = model.input
    if written and written not in api.inputs:
        if written not in IMPLICIT:
            close = ", ".join([*api.inputs, *sorted(IMPLICIT)])
            yield (*at, "input"), f"there is no input `{written}`", f"there are: {close}"
        elif written in OF_OUTPUT and not _of_output(api, model.output):
            message = f"`{written}` has the fields of `{model.output}`, of which none can be"
            yield (*at, "input"), f"{message} an input's", "write one of `inputs`"
