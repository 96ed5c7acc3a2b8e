"""Whether this machine runs what the functions ask for, said before anything is created."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tc.errors import Severity
from tc.local.found import on_path, remembered
from tc.local.pythons import find as find_pythons
from tc.local.pythons import nearest
from tc.records import dataclass

_DEADLINE = 10
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence on `functions`; an error means that nothing may be created."""

    severity: Severity
    code: str
    text: str
    hint: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Program:
    """An interpreter on PATH: its name, the package that has it, how it tells its version."""

    title: str
    command: str
    package: str
    asked: re.Pattern[str]
    version: tuple[str, ...]


_PROGRAMS = (
    _Program("Ruby", "ruby", "ruby", re.compile(r"ruby(\d+\.\d+)\Z"), ("-e", "print RUBY_VERSION")),
    _Program("Node.js", "node", "nodejs", re.compile(r"nodejs(\d+)\.x\Z"), ("--version",)),
)
_BINARY = re.compile(r"provided(\.al2|\.al2023)?\Z|go1\.x\Z")
_PYTHON = re.compile(r"python3\.\d+\Z")


def check(functions: Iterable[tuple[str, str]]) -> list[Message]:
    """Warnings and errors on `functions`, pairs of name and AWS runtime; errors come first."""
    asked: dict[str, list[str]] = {}
    for name, runtime in functions:
        asked.setdefault(runtime, []).append(name)
    messages: list[Message] = []
    known: set[str] = set()
    pythons = {runtime: names for runtime, names in asked.items() if _PYTHON.match(runtime)}
    if pythons:
        messages += _check_pythons(pythons)
    for program in _PROGRAMS:
        mine = {runtime: names for runtime, names in asked.items() if program.asked.match(runtime)}
        known |= mine.keys()
        if mine:
            messages += _check_program(program, mine)
    for runtime, names in sorted(asked.items()):
        if runtime not in known | pythons.keys() and not _BINARY.match(runtime):
            messages.append(_refused(runtime, names))
    return sorted(messages, key=lambda message: message.severity != "error")


def check_extensions(extensions: Mapping[str, Sequence[str]]) -> list[Message]:
    """A warning on the functions whose layers have extensions: names of layers by function."""
    listed = {name: layers for name, layers in extensions.items() if layers}
    if not listed:
        return []
    layers = sorted({layer for mine in listed.values() for layer in mine})
    verb = "doesn't" if len(layers) == 1 else "don't"
    text = f"{', '.join(layers)} {verb} run on `local`: the engine starts no extensions"
    hint = "what they do is seen on AWS alone; their files are in /opt of the functions"
    return [Message("warning", "extensions-skipped", text, hint, tuple(sorted(listed)))]


def check_javascript(things: Iterable[str]) -> list[Message]:
    """An error on `things` (``channel talk``), whose JavaScript AppSync runs, without Node.js."""
    names = tuple(things)
    program = next(one for one in _PROGRAMS if one.command == "node")
    if not names or on_path(program.command):
        return []
    text = f"this machine has no {program.title}, which {_need(list(names))}"
    return [Message("error", "runtime-missing", text, _how_to_get(program), names)]


def _check_pythons(asked: dict[str, list[str]]) -> list[Message]:
    here = find_pythons()
    messages = []
    for runtime, names in sorted(asked.items()):
        used = nearest(runtime, here)
        if runtime in here or used is None:
            continue
        version = runtime.removeprefix("python")
        text = (
            f"{_count(names)} for {runtime}, which this machine lacks:"
            f" {_run(names)} on Python {here[used].version} here"
        )
        hint = f"for the version that AWS has: uv python install {version}"
        messages.append(Message("warning", "runtime-version", text, hint, tuple(names)))
    return messages


def _check_program(program: _Program, asked: dict[str, list[str]]) -> list[Message]:
    path = on_path(program.command)
    if not path:
        names = [f"{name} ({runtime})" for runtime in sorted(asked) for name in asked[runtime]]
        return [
            Message(
                "error",
                "runtime-missing",
                f"this machine has no {program.title}, which {_need(names)}",
                _how_to_get(program),
                tuple(name for runtime in sorted(asked) for name in asked[runtime]),
            )
        ]
    version = _version(program, path)
    messages = []
    for runtime, names in sorted(asked.items()):
        match = program.asked.match(runtime)
        if match and not f"{version}.".startswith(f"{match.group(1)}."):
            text = (
                f"{_count(names)} for {runtime}: {_run(names)} on {program.title} {version} here,"
                f" the one on PATH"
            )
            wanted = f"{program.title} {match.group(1)}"
            hint = f"for the version that AWS has, put {wanted} on PATH before it"
            messages.append(Message("warning", "runtime-version", text, hint, tuple(names)))
    return messages


def _version(program: _Program, path: str) -> str:
    def look() -> dict[str, str]:
        import subprocess

        try:
            ended = subprocess.run(
                [path, *program.version],
                capture_output=True,
                text=True,
                timeout=_DEADLINE,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return {}
        match = re.search(r"\d+(\.\d+)+", ended.stdout)
        return {"version": match.group()} if match else {}

    # A version manager's shim stays the same file whatever version it runs.
    shim = Path(path).parent.name == "shims"
    found = look() if shim else remembered(f"{program.command} version\n{path}", [Path(path)], look)
    return found.get("version", "of an unknown version")


def _refused(runtime: str, names: list[str]) -> Message:
    text = f"{_count(names)} for {runtime}, which -e local can't run: {', '.join(names[:_NAMED])}"
    if len(names) > _NAMED:
        text += f" and {len(names) - _NAMED} more"
    hint = "use an AWS env: local runs Python, Ruby, Node.js and built binaries (go, rust)"
    return Message("error", "runtime-refused", text, hint, tuple(names))


def _count(names: list[str]) -> str:
    return f"`{names[0]}` asks" if len(names) == 1 else f"{len(names)} functions ask"


def _run(names: list[str]) -> str:
    return "it runs" if len(names) == 1 else "they run"


def _need(names: list[str]) -> str:
    return f"{names[0]} needs" if len(names) == 1 else f"{', '.join(names)} need"


def _how_to_get(program: _Program) -> str:
    if on_path("brew"):
        return f"brew install {program.command}"
    if on_path("apt-get"):
        return f"apt-get install {program.package}"
    return f"apt-get install {program.package}, or brew install {program.command}"
