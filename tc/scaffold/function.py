"""A new function: a handler that answers, the least of a function file, an event to try it with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tc.errors import UsageError
from tc.load.infer import DEFAULTS, RUNTIMES, family, languages, meant_language
from tc.records import dataclass
from tc.scaffold.files import File
from tc.spec.names import ENTITY_NAME

_TEMPLATES = Path(__file__).with_name("templates")
#: what a new function is written in where nobody says
DEFAULT_LANGUAGE = DEFAULTS["python"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a family of languages is begun: its templates' directory, the handler where
    it isn't the inferred one, the command that makes lambda.zip, what that leaves behind."""

    templates: str
    handler: str = ""
    build: str = ""
    made: tuple[str, ...] = ()


#: language, or family of them -> its beginning. The command is that of the AWS Lambda
#: developer guide, "Building Lambda functions with Java".
_KINDS = {
    "python": _Kind("python"),
    "ruby": _Kind("ruby"),
    "node": _Kind("node"),
    "provided.al2023": _Kind("provided"),
    "go": _Kind("go"),
    "rust": _Kind("rust", made=("target/",)),
    "java": _Kind(
        "java",
        handler="Handler::handleRequest",
        build="mvn -q -B package && cp target/function.jar lambda.zip",
        made=("target/",),
    ),
}


def known_language(written: str) -> str:
    """The `runtime.lang` that is meant: itself, or the default of its family (`python`).

    Raises UsageError when there is none.
    """
    lang = written if written in RUNTIMES else DEFAULTS.get(written, "")
    if lang:
        return lang
    raise UsageError(
        f"`{written}` is no language of tc; there are {languages()}",
        code="unknown-language",
        where="--lang",
        hint=meant_language(written),
    )


def check_name(name: str) -> None:
    """Raises UsageError when `name` can't name a function."""
    if not ENTITY_NAME.match(name):
        raise UsageError(
            f"`{name}` can't name a function: letters, digits, - and _ only", code="invalid-name"
        )


def function_files(directory: Path, lang: str) -> list[File]:
    """The files of a new function of `lang`, one of RUNTIMES, in `directory`."""
    kind = _KINDS.get(lang) or _KINDS[family(lang).name]
    return [
        *_copied(kind.templates, directory),
        File(directory / "function.json", as_json(_function_file(lang, kind))),
        *_copied("all", directory),
        File(directory / ".tcignore", "".join(f"{name}\n" for name in ("event.json", *kind.made))),
    ]


def as_json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _function_file(lang: str, kind: _Kind) -> dict[str, Any]:
    runtime = {"lang": lang, **({"handler": kind.handler} if kind.handler else {})}
    return {"runtime": runtime, **({"tasks": {"build": kind.build}} if kind.build else {})}


def _copied(name: str, directory: Path) -> list[File]:
    top = _TEMPLATES / name
    return [
        File(directory / path.relative_to(top), path.read_text(encoding="utf-8"))
        for path in sorted(top.rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    ]
