"""What nobody wrote about a function: language, runtime, handler."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tc.load.suggest import closest
from tc.load.text import is_file
from tc.records import dataclass

#: `runtime.lang` -> AWS's identifier (docs.aws.amazon.com/lambda, "Lambda runtimes")
RUNTIMES: dict[str, str] = {
    **{f"python3.{minor}": f"python3.{minor}" for minor in range(10, 15)},
    **{f"ruby3.{minor}": f"ruby3.{minor}" for minor in range(2, 5)},
    **{f"node{major}": f"nodejs{major}.x" for major in (20, 22, 24)},
    **{f"nodejs{major}.x": f"nodejs{major}.x" for major in (20, 22, 24)},
    "go": "provided.al2023",
    "rust": "provided.al2023",
    "java21": "java21",
    "provided.al2023": "provided.al2023",
}
DEFAULTS = {
    "python": "python3.13",
    "ruby": "ruby3.4",
    "node": "node24",
    "nodejs": "node24",
    "java": "java21",
}
#: the file that makes a directory a function -> the language it is of
MARKERS: dict[str, str] = {
    "handler.py": "python3.13",
    "handler.rb": "ruby3.4",
    "handler.js": "node24",
    "handler.mjs": "node24",
    "handler.clj": "java21",
    "main.go": "go",
    "Cargo.toml": "rust",
}
FUNCTION_FILES = ("function.json", "function.yml", "function.yaml")
_NODE_ENDINGS = (".js", ".mjs", ".cjs")


@dataclass(frozen=True, slots=True)
class Family:
    """How a language's handlers are found."""

    name: str
    handler: str


def family(lang: str) -> Family:
    name = lang.rstrip("0123456789.x") or lang
    if name in ("python", "ruby", "node", "nodejs"):
        return Family("node" if name == "nodejs" else name, "handler.handler")
    return Family("java", "handler") if name == "java" else Family("provided", "bootstrap")


def languages() -> str:
    """The accepted languages, for a sentence."""
    return ", ".join(name for name in RUNTIMES if not name.startswith("nodejs"))


def meant_language(lang: str) -> str:
    """What an unknown `lang` was probably meant to be, or nothing."""
    found = DEFAULTS.get(lang.lower().rstrip("0123456789.x")) or closest(lang, RUNTIMES)
    return f"did you mean `{found}`?" if found else ""


def languages_of(markers: Iterable[str]) -> list[str]:
    """The default language of each handler file in a directory, once."""
    return list(dict.fromkeys(MARKERS[name] for name in markers if name in MARKERS))


def handler_files(lang: str, handler: str) -> list[str]:
    """The files, relative to the function, of which one must be there for `handler`.

    None for languages whose handler is made by a build. Module paths by Lambda's
    own rules: Python splits at the last dot, Ruby and Node at the first one of
    the file's name.
    """
    name = family(lang).name
    if name == "python":
        module = handler.rpartition(".")[0].replace(".", "/")
        return [f"{module}.py", f"{module}/__init__.py"] if module else []
    directory, slash, last = handler.rpartition("/")
    module = directory + slash + last.partition(".")[0]
    if name == "ruby":
        return [f"{module}.rb"]
    if name == "node":
        return [module + ending for ending in _NODE_ENDINGS]
    return []


def has_file(directory: Path, names: list[str]) -> bool:
    return not names or any(is_file(directory / name) for name in names)
