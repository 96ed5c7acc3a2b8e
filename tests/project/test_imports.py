"""Who may import whom: the table of docs/architecture.md, read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

#: package -> what it may import of tc, besides itself, `tc` and what EVERYBODY may
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "events": set(),
    "places": set(),
    "processes": set(),
    "indexes": set(),
    "records": set(),
    "spec": set(),
    "load": {"spec"},
    "compose": {"spec"},
    "plan": {"spec", "compose"},
    "build": {"spec"},
    "components": {"spec", "compose", "plan"},
    "aws": {"config"},
    "local": set(),
    "publish": {"spec", "plan", "components", "config"},
    "deploy": {"spec", "plan", "components", "publish"},
    "testing": {"spec", "components", "deploy"},
    "config": {"spec", "load"},
    "scaffold": {"spec", "load"},
    "release": {"spec"},
}
EVERYBODY = {"errors", "events", "places", "processes", "indexes", "records"}
#: what is imported by one package alone -> that package
OWNED = {"botocore": "aws", "boto3": "", "rich": "cli.render", "moto": "", "docker": "build"}
#: loaded by the parts of a command that need them, never by starting tc
HEAVY = {"pydantic", "yaml", "botocore", "rich", "uv"}
LIGHT = ("__init__", "__main__", "errors", "events", "places", "config", "cli")
#: run elsewhere, not by tc: inside the engine's own environment, on Lambda
ELSEWHERE = ("local.hooks", "publish.publisher.")


class Import(NamedTuple):
    """`module` imports `name`; `top` when that happens as soon as it is loaded."""

    module: str
    line: int
    name: str
    top: bool

    def __str__(self) -> str:
        path = "tc/" + self.module.replace(".", "/") + ".py"
        return f"{path}:{self.line} imports {self.name}"


def test_packages_import_only_what_the_table_allows() -> None:
    assert [str(found) for found in imports() if not allowed(found)] == []


def test_parts_with_one_owner_are_imported_there_only() -> None:
    wrong = [
        str(found)
        for found in imports()
        if (part := found.name.partition(".")[0]) in OWNED
        and not (OWNED[part] and f"{found.module}.".startswith(f"{OWNED[part]}."))
        and not f"{found.module}.".startswith(ELSEWHERE)
    ]
    assert wrong == []


def test_starting_tc_loads_nothing_heavy() -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.top
        and found.module.partition(".")[0] in LIGHT
        and not found.module.startswith("cli.render")
        and found.name.partition(".")[0] in HEAVY
    ]
    assert wrong == []


def test_commands_import_their_work_in_their_bodies() -> None:
    light = {"cli", *EVERYBODY}
    wrong = [
        str(found)
        for found in imports()
        if found.top
        and found.module.partition(".")[0] == "cli"
        and not found.module.startswith(("cli.render", "cli.scopes"))
        and found.name.startswith("tc.")
        and found.name.split(".")[1] not in light
    ]
    assert wrong == []


def test_the_table_has_every_package() -> None:
    there = {found.module.partition(".")[0] for found in imports()}
    assert there - set(MAY_IMPORT) - {"cli", "__main__"} == set()


def allowed(found: Import) -> bool:
    package = found.module.partition(".")[0]
    if not found.name.startswith("tc.") or package in ("cli", "__main__", "__init__"):
        return True
    target = found.name.removeprefix("tc.")
    ok = MAY_IMPORT[package] | EVERYBODY | {package}
    return any(f"{target}.".startswith(f"{name}.") for name in ok)


def imports() -> Iterator[Import]:
    """Every import in tc/; ``from tc import x`` counts as one of ``tc.x``."""
    for path in sorted((ROOT / "tc").rglob("*.py")):
        relative = path.relative_to(ROOT / "tc").with_suffix("")
        module = ".".join(part for part in relative.parts if part != "__init__") or "__init__"
        package = ".".join(["tc", *relative.parts[:-1]])
        yield from _imports(ast.parse(path.read_text()), module, package)


def _imports(tree: ast.Module, module: str, package: str) -> Iterator[Import]:
    top = set(_loaded(tree.body))
    for node in ast.walk(tree):
        at_top = node in top
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name, at_top)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            # a package in `from tc import aws` is a module of tc, as `tc.aws` is
            names = [f"{name}.{a.name}" for a in node.names] if name == "tc" else [name]
            for found in names:
                if found != "tc.__version__":
                    yield Import(module, node.lineno, found, at_top)


def _loaded(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The statements that run when a module is loaded: not those of functions, nor for types."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _loaded(node.orelse)
            continue
        yield node
        for inner in ("body", "orelse", "finalbody", "handlers"):
            yield from _loaded(getattr(node, inner, []))
