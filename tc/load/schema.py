"""JSON Schema (draft 2020-12) of the files that `tc.load` reads, for editors.

Made of the strict models that the files are checked by, so it says what they
say: the same keys, types, bounds and descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from tc.load.sections import GROUPS, LISTS
from tc.spec.base import Strict, Whole, keys
from tc.spec.function import FunctionEntry, FunctionFile, VarsEntry
from tc.spec.names import ENTITY_NAME, NAME
from tc.spec.spec import TopologyFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: keys that are the user's own
_OWN: dict[str, Any] = {"^x-": {}}
_REFERENCE = "#/$defs/{model}"

Schema = dict[str, Any]

#: an entry of a list of names
_NAME: Schema = {"type": "string"}


def topology_schema(sections: Mapping[str, type[Strict]]) -> Schema:
    """topology.yml; `sections` has the model of an entry for each section that can be deployed."""
    models: dict[str, type[Strict]] = {"functions": FunctionEntry, **sections}
    refs, definitions = _definitions([TopologyFile, *models.values()])
    top = definitions.pop(TopologyFile.__name__)
    described = dict(top["properties"])
    for section, model in models.items():
        described[section] = {
            **described.get(section, {"description": _first_line(model)}),
            **(
                refs[model]
                if issubclass(model, Whole)
                else _entries(refs[model], GROUPS.get(section, ()))
            ),
        }
        if section in LISTS:
            described[section] |= {"type": ["object", "array", "null"], "items": _NAME}
    described["functions"]["propertyNames"] = {"pattern": _pattern(ENTITY_NAME)}
    described["name"]["pattern"] = _pattern(NAME)
    return _document("topology.yml", {**top, "properties": described}, definitions)


def function_schema() -> Schema:
    """function.json, function.yml."""
    _, definitions = _definitions([FunctionFile])
    return _document("function.json", definitions.pop(FunctionFile.__name__), definitions)


def vars_schema() -> Schema:
    """vars/FUNCTION.json: `default`, envs and sandboxes."""
    refs, definitions = _definitions([VarsEntry])
    description = "Of a function: `default`, then the env, then the sandbox; the later one wins"
    top = {**_mapping(refs[VarsEntry]), "description": description}
    return _document("vars of a function", top, definitions)


def _document(title: str, top: Schema, definitions: Schema) -> Schema:
    return {"$schema": DIALECT, "title": title, **top, "$defs": definitions}


def _entries(entry: Schema, groups: Iterable[str]) -> Schema:
    """A section: entries by name, which may be empty; `groups` as `tc.load.sections.GROUPS`."""
    made = _mapping({"anyOf": [entry, {"type": "null"}]})
    below = {group: _or_empty(made) for group in groups}
    return _or_empty({**made, "properties": below} if below else made)


def _or_empty(mapping: Schema) -> Schema:
    return {**mapping, "type": ["object", "null"]}


def _mapping(value: Schema) -> Schema:
    return {"type": "object", "patternProperties": _OWN, "additionalProperties": value}


def _definitions(models: Iterable[type[BaseModel]]) -> tuple[dict[Any, Schema], Schema]:
    """How each model is referred to, and the definitions by name."""
    made, shared = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=_REFERENCE,
        schema_generator=_Generator,
    )
    return {model: ref for (model, _), ref in made.items()}, shared["$defs"]


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0].rstrip(".")


def _pattern(regex: re.Pattern[str]) -> str:
    """A pattern of Python's as one of JavaScript's."""
    return "^" + regex.pattern.replace(r"\Z", "$")


class _Generator(GenerateJsonSchema):
    """Pydantic's schema as an editor needs it: every spelling of a key, no noise."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model = schema["cls"]
        if issubclass(model, Strict):
            made.pop("title", None)
            made["patternProperties"] = _OWN
            self._add_spellings(made, model)
        return made

    def _add_spellings(self, made: JsonSchemaValue, model: type[Strict]) -> None:
        """Each property under every key that the model takes for it."""
        written, required = made.get("properties", {}), made.get("required", [])
        properties: JsonSchemaValue = {}
        choices = []
        for spellings in keys(model).values():
            there = next(key for key in written if key in spellings)
            properties.update(dict.fromkeys(spellings, written[there]))
            if there in required and len(spellings) > 1:
                required.remove(there)
                choices.append({"anyOf": [{"required": [key]} for key in spellings]})
        made["properties"] = properties
        if choices:
            made["allOf"] = choices

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default") is None or isinstance(made["default"], list | dict):
            made.pop("default", None)
        return made

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Which of several forms it is, we say ourselves; an empty mapping may be any."""
        made = super().tagged_union_schema(schema)
        return {"anyOf": made.pop("oneOf"), **made} if "discriminator" not in made else made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        made = super().nullable_schema(schema)
        inner, *others = made.get("anyOf", [made])
        simple = isinstance(inner.get("type"), str) and not {"enum", "const"} & set(inner)
        if simple and others == [{"type": "null"}]:
            return {**inner, "type": [inner["type"], "null"]}
        return made
