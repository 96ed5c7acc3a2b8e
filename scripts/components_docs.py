"""docs/components.md from the kinds' own tables; ``--check`` only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tc.components import kinds, sections
from tc.config.schema import schema as config_schema
from tc.load.schema import function_schema, topology_schema, vars_schema
from tc.spec.base import Whole

FILE = Path(__file__).resolve().parent.parent / "docs" / "components.md"
_HEAD = """# Components

Made by `make docs` from the kinds themselves. The same with words and examples:
[topology.md](topology.md).

`tc schema` prints the keys as JSON Schema, with which an editor completes and describes them and
marks mistakes as you type. Write it to a file:

```
tc schema --out topology.schema.json
```

and name that in the first line of a topology.yml:

```yaml
# yaml-language-server: $schema=topology.schema.json
name: etl
```

`tc schema function`, `tc schema vars` and `tc schema config` are for the other files. A key that
starts with `x-` is yours everywhere.

## Kinds

In the order in which they need each other. `-c` takes the word, or one of the kind
(`-c routes/etl`).
"""
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}
Schema = dict[str, Any]


def text() -> str:
    """The whole page."""
    page = _Page()
    files = (
        ("topology.yml", topology_schema(sections())),
        ("function.json", function_schema()),
        ("vars/FUNCTION.json", vars_schema()),
        ("config.yml", config_schema()),
    )
    parts = [part for title, schema in files for part in page.file(title, schema)]
    return "\n".join([_HEAD, _kinds(), *parts])


def _kinds() -> str:
    rows = []
    for kind in kinds():
        section = ""
        if kind.SECTION:
            name, model = kind.SECTION
            entries = "" if issubclass(model, Whole) else ".X"
            section = f"[`{name}`](#{_anchor(f'{name}{entries}')})"
        parts = ", ".join(f"`{kind.PLURAL}/{aspect}`" for aspect in kind.ASPECTS)
        fixed = ", ".join(f"`{field}`" for field in sorted(kind.REPLACE))
        rows.append((kind.KIND, f"`{kind.PLURAL}`", section, parts, fixed))
    heads = ("kind", "`-c`", "in topology.yml", "its parts for `-c`", "a change makes it anew")
    return _table(heads, rows)


class _Page:
    """Every mapping that people write, each told once: where it is met first."""

    def __init__(self) -> None:
        self._definitions: Schema = {}
        self._told: dict[str, str] = {}
        self._waiting: list[tuple[str, Schema]] = []

    def file(self, title: str, schema: Schema) -> Iterator[str]:
        """The mappings of one file, the whole of it first."""
        self._definitions = schema.get("$defs", {})
        yield f"## {title}\n"
        inner = schema.get("additionalProperties")
        if inner:
            yield f"{schema['description']}. A mapping of {self._type(inner, 'vars.X')}.\n"
        else:
            yield self._keys("", schema)
        while self._waiting:
            path, mapping = self._waiting.pop(0)
            yield f"### {path}\n"
            yield self._keys(path, mapping)

    def _keys(self, path: str, mapping: Schema) -> str:
        rows = []
        for key, schema in mapping["properties"].items():
            must = ", required" if key in mapping.get("required", ()) else ""
            default = schema.get("default")
            said = [schema.get("description", "")]
            if default is not None and default is not False:
                said.append(f"default `{default}`")
            where = f"{path}.{key}" if path else key
            rows.append(
                (f"`{key}`", self._type(schema, where) + must, "; ".join(filter(None, said)))
            )
        return _table(("key", "type", "default, meaning"), rows)

    def _type(self, schema: Schema, path: str) -> str:
        if "$ref" in schema:
            return self._link(schema["$ref"].rpartition("/")[2], path)
        if "anyOf" in schema and "properties" not in schema:
            words = [self._type(one, path) for one in schema["anyOf"] if one != {"type": "null"}]
            return " or ".join(dict.fromkeys(words))
        if "enum" in schema:
            return ", ".join(f"`{value}`" for value in schema["enum"])
        if "const" in schema:
            return f"`{schema['const']}`"
        kinds = schema.get("type", [])
        kind = next((one for one in ([kinds] if isinstance(kinds, str) else kinds)), "")
        if kind == "array" and schema.get("items"):
            return f"list of {self._type(schema['items'], path)}"
        if kind == "object":
            return self._mapping(schema, path)
        return _WORDS.get(kind, "anything") + _bounds(schema)

    def _mapping(self, schema: Schema, path: str) -> str:
        inner = schema.get("additionalProperties")
        if isinstance(inner, dict) and inner:
            return f"mapping of {self._type(inner, f'{path}.X')}"
        if "properties" in schema:
            self._waiting.append((path, schema))
            return f"[{path}](#{_anchor(path)})"
        return "mapping"

    def _link(self, name: str, path: str) -> str:
        if name not in self._told:
            self._told[name] = path
            self._waiting.append((path, self._definitions[name]))
        return f"[{self._told[name]}](#{_anchor(self._told[name])})"


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    if low is not None:
        return f", at least {low:,}"
    return "" if high is None else f", at most {high:,}"


def _anchor(heading: str) -> str:
    """The anchor that a reader of Markdown makes of a heading."""
    kept = "".join(char for char in heading.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def main() -> int:
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text():
        return 0
    print("docs/components.md is not what the kinds say\n  next: make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
