"""config.yml as JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from tc.config import ENV_KEYS, LOCAL, ROLE_KEYS, ROLE_SHAPES, SHAPES, STABLE_KEY
from tc.config.sections import FILE_SYSTEM, NOTIFY, SECTIONS
from tc.config.sections import schema as section


def _pattern(key: str) -> dict[str, str]:
    return {"pattern": f"^(?:{SHAPES[key][0].pattern})$"} if key in SHAPES else {}


def schema() -> dict[str, Any]:
    """config.yml as JSON Schema (draft 2020-12)."""
    text = {"type": ["string", "number", "null"]}
    env = {
        "type": ["object", "null"],
        "patternProperties": {"^x-": {}},
        "properties": {
            key: {**text, "description": description, **_pattern(key)}
            for key, description in ENV_KEYS.items()
        },
        "anyOf": [{"required": ["profile"]}, {"required": ["account"]}],
        "additionalProperties": False,
    }
    tags = {"propertyNames": {"not": {"pattern": "^([Aa][Ww][Ss]|[Tt][Cc]):"}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.yml",
        "type": ["object", "null"],
        "patternProperties": {"^x-": {}},
        "properties": {
            "envs": {
                "description": "envs by name, for -e",
                "type": ["object", "null"],
                "propertyNames": {"not": {"const": LOCAL}},
                "additionalProperties": env,
            },
            "default_env": {**text, "description": "the env without -e"},
            "roles": {
                "description": "what holds for every role that tc makes",
                "type": ["object", "null"],
                "patternProperties": {"^x-": {}},
                "properties": {
                    key: {
                        **text,
                        "description": description,
                        "pattern": f"^(?:{ROLE_SHAPES[key][0].pattern})$",
                    }
                    for key, description in ROLE_KEYS.items()
                },
                "additionalProperties": False,
            },
            **{name: section(keys) for name, keys in SECTIONS.items()},
            "efs": {
                "description": "the file system for assets, by env; `default` for every env",
                "type": ["object", "null"],
                "additionalProperties": section(FILE_SYSTEM),
            },
            **section({"stable": STABLE_KEY})["properties"],
            "notify": {
                "description": "who is told of deploys, by a name",
                "type": ["object", "null"],
                "additionalProperties": {**section(NOTIFY), "required": ["url"]},
            },
            "tags": {
                **tags,
                "description": "tags of everything that tc makes",
                "type": ["object", "null"],
                "additionalProperties": text,
            },
        },
        "additionalProperties": False,
    }
