"""The docs say what the program does: commands, options, keys, codes, versions, links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from codes import ROOT, codes
from pydantic import BaseModel

from tc import __version__
from tc.cli.app import command_line
from tc.components import sections
from tc.config import ENV_KEYS as ENV_KEYS
from tc.load.infer import RUNTIMES
from tc.spec.base import TARGET_KEYS
from tc.spec.function import Build, FunctionEntry, Runtime, VarsEntry
from tc.spec.spec import Nodes, TopologyFile

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CLI = ROOT / "docs" / "cli.md"
WRITTEN = [page for page in PAGES if page != CLI]
_FENCE = re.compile(r"^```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:\$ )?(?:\S*/)?tc (.*)")


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def test_the_commands_page_is_what_help_says() -> None:
    script = ROOT / "scripts" / "cli_docs.py"
    ended = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_every_command_says_what_it_and_its_options_do() -> None:
    for path, command in all_commands():
        assert (command.help or "").strip(), f"{path} has no help"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{path} {parameter.name} has no help"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [p for p, c in all_commands() if not hasattr(c, "commands") and f"`{p}" not in readme]
    assert [path for path in missing if not path.startswith("tc local ")] == []


@pytest.mark.parametrize("page", WRITTEN, ids=names(WRITTEN))
def test_written_commands_exist_with_their_options(page: Path) -> None:
    wrong = []
    for line, whole in written_commands(page.read_text()):
        try:
            parse(line, whole=whole)
        except Exception as error:
            wrong.append(f"tc {line}: {getattr(error, 'message', error)}")
    assert wrong == []


def test_a_wrong_command_is_found() -> None:
    for line in ("craete -s bob", "create --sandbx bob", "local begin", "create bob"):
        with pytest.raises(Exception, match=r"."):
            parse(line, whole=True)


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_key_is_documented() -> None:
    text = "".join((ROOT / "docs" / page).read_text() for page in ("topology.md", "build.md"))
    models: list[type[BaseModel]] = [TopologyFile, Nodes, FunctionEntry, VarsEntry]
    keys = {key for model in (*models, *sections().values()) for key in keys_of(model)}
    keys |= {f"runtime.{key}" for key in keys_of(Runtime)} - {"runtime.memory_size"}
    keys |= keys_of(Build) | set(sections()) | set(TARGET_KEYS)
    keys -= {"runtime"}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_every_language_is_documented() -> None:
    text = (ROOT / "docs" / "topology.md").read_text()
    short = [name for name in RUNTIMES if not name.startswith("nodejs")]
    inside_ranges = {"python3.11", "python3.12", "python3.13", "ruby3.3"}
    assert [name for name in short if name not in inside_ranges and f"`{name}`" not in text] == []


def test_every_key_of_an_env_is_documented() -> None:
    text = (ROOT / "docs" / "aws.md").read_text()
    assert [key for key in ENV_KEYS if f"| `{key}` |" not in text] == []


def test_every_code_is_documented_and_used() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    used = codes()
    undocumented = [f"{code} ({place})" for code, place in used.items() if code not in documented]
    assert undocumented == []
    sources = "".join(path.read_text() for path in (ROOT / "tc").rglob("*.py"))
    assert [code for code in sorted(documented) if f'"{code}"' not in sources] == []


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == __version__


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name.rstrip("_") for name, field in model.model_fields.items()}


def all_commands() -> Iterator[tuple[str, Any]]:
    """(``tc local start``, the command), without tc itself."""
    waiting: list[tuple[str, Any]] = [("tc", typer.main.get_command(command_line()))]
    while waiting:
        path, command = waiting.pop()
        if path != "tc":
            yield path, command
        waiting += [(f"{path} {name}", c) for name, c in getattr(command, "commands", {}).items()]


def written_commands(text: str) -> Iterator[tuple[str, bool]]:
    """(what follows ``tc``, whether that is a whole command): lines of blocks, and code in text."""
    for block in _FENCE.findall(text):
        for line in block.splitlines():
            if match := _COMMAND.fullmatch(line.strip()):
                yield match.group(1).partition("  ")[0], True
    for code in re.findall(r"`([^`\n]+)`", _FENCE.sub("", text)):
        if match := _COMMAND.fullmatch(code):
            yield match.group(1), False


def parse(line: str, *, whole: bool) -> None:
    """Raises what the command line would say of `line`.

    Where it is a part of one, only its words are checked.
    """
    words = shlex.split(re.split(r" [|>] ", line)[0])
    command: Any = typer.main.get_command(command_line())
    context = command.make_context("tc", [], resilient_parsing=True)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name == "COMMAND":
            return
        command = command.commands[name]
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {option for parameter in command.params for option in parameter.secondary_opts}
    known |= {"--help", "-h"}
    for word in words:
        if re.match(r"--?[a-z]", word) and word not in known:
            raise ValueError(f"no option {word}")
    if whole:
        command.make_context(context.info_name, words, parent=context.parent)
