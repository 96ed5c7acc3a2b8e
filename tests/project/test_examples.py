"""The examples of the docs are valid topologies, once what they leave out is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(yaml|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FUNCTIONS = "enhancer transformer loader reader buyer check charge ship mail"
_NAMED = re.compile(
    r"\b(?:function|authorizer): ([a-z]\w*)|^  ([a-z]\w*):(?= .*\b(?:runtime|event|queue)\b)",
    re.MULTILINE,
)
_REMOTE = re.compile(r"(?:git@github\.com:|https://github\.com/)(org/repo\.git)")
_FLOW = {"StartAt": "done", "States": {"done": {"Type": "Succeed"}}}


def examples(kind: str, *pages: str) -> list[str]:
    texts = [(ROOT / page).read_text() for page in pages]
    return [block for text in texts for found, block in _BLOCK.findall(text) if found == kind]


def functions_of(example: str) -> set[str]:
    """The functions that an example speaks of."""
    named = {one or other for one, other in _NAMED.findall(example)}
    return {*_FUNCTIONS.split(), *named} - {"iam", "none", "cognito", "jwt"}


def with_remotes(directory: Path, example: str) -> str:
    """The example with a repository on this machine in place of one on the net."""
    if not _REMOTE.search(example):
        return example
    repository = directory / "org" / "repo.git"
    for name in ("functions/far", "third"):
        (repository / name).mkdir(parents=True)
        (repository / name / "handler.py").write_text("def handler(event, context): ...\n")
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x"],
        ["tag", "v1.2.0"],
    ):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return _REMOTE.sub(f"file://{directory}/\\1", example)


def validated(directory: Path, topology: str, **functions: str) -> str:
    """What `tc validate` says of the topology; `functions` gives some of them a file."""
    directory.mkdir(exist_ok=True)
    (directory / ".git").mkdir()
    (directory / "shared" / "near").mkdir(parents=True)
    (directory / "shared" / "near" / "handler.py").write_text("def handler(event, context): ...\n")
    for page in ("web", "docs"):
        (directory / page).mkdir()
        (directory / page / ".env.template").write_text("")
    (directory / "flow.yml").write_text(yaml.safe_dump(_FLOW))
    (directory / "clean.py").write_text("print('clean')\n")
    for name in functions_of(topology):
        (directory / name).mkdir()
        (directory / name / "handler.py").write_text("def handler(event, context): ...\n")
        if name in functions:
            (directory / name / "function.json").write_text(functions[name])
    (directory / "topology.yml").write_text(topology)
    ended = subprocess.run(
        [sys.executable, "-m", "tc", "validate"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("example", examples("yaml", "README.md", "docs/topology.md"))
def test_topologies(example: str, tmp_path: Path) -> None:
    if not re.search(r"^name:", example, re.MULTILINE):
        example = f"name: etl\n{example}"
    if "state: flow" in example:
        example += "\nflow: flow.yml\n"
    if "event: OrderShipped" in example:
        example += "\nevents: { OrderShipped: { producer: shop, doc_only: true } }\n"
    example = with_remotes(tmp_path, example).replace("../shared/", "shared/")
    assert "is valid" in validated(tmp_path / "project", example)


def test_a_function_file(tmp_path: Path) -> None:
    [example] = [e for e in examples("json", "docs/topology.md") if '"lang"' in e]
    assert "is valid" in validated(tmp_path, "name: etl\n", enhancer=example)


@pytest.mark.parametrize(("place", "word"), [("vars", '"memory_size"'), ("roles", '"Statement"')])
def test_overlays(place: str, word: str, tmp_path: Path) -> None:
    [example] = [e for e in examples("json", "docs/topology.md") if word in e]
    for name, text in (("right", example), ("wrong", example.replace(word, '"x"'))):
        overlay = tmp_path / name / "infrastructure/tc/etl" / place / "enhancer.json"
        overlay.parent.mkdir(parents=True)
        overlay.write_text(text)
        said = validated(tmp_path / name, "name: etl\n")
        assert ("is valid" in said) == (name == "right")


@pytest.mark.parametrize("example", examples("yaml", "docs/aws.md"))
def test_settings(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tc.config import read_config

    (tmp_path / "config.yml").write_text(example)
    monkeypatch.setenv("TC_CONFIG_PATH", str(tmp_path / "config.yml"))
    assert read_config(tmp_path).envs
