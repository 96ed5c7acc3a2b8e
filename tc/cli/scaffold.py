"""``tc scaffold``"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.scaffold.files import File

#: the function of a new topology where nobody names one
_FIRST = "hello"


class Created(StrEnum):
    """What can be written for a project that is there."""

    functions = "functions"
    ci = "ci"


class Provider(StrEnum):
    """Whose pipelines there are."""

    github = "github"
    gitlab = "gitlab"
    circleci = "circleci"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be made: a topology with a function, or a function alone."""

    topology: str | None
    function: str
    lang: str


def _languages(incomplete: str) -> list[str]:
    from tc.load.infer import RUNTIMES

    return [name for name in RUNTIMES if name.startswith(incomplete)]


def scaffold(
    topology: Annotated[
        str | None, typer.Option("--topology", help="Make a new topology of this name here.")
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            help="Make a new function of this name, in the new topology or in the one here. "
            f"[default for a topology: {_FIRST}]",
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            help="Its language: python3.13, ruby3.4, node24, go, rust, java21 or another "
            "version of these. [default: python3.13]",
            autocompletion=_languages,
        ),
    ] = None,
    create: Annotated[
        Created | None,
        typer.Option(
            "--create",
            help="Write something for the project here instead. functions: vars and roles files "
            "for all functions of the topology, filled with what is inferred. ci: a pipeline that "
            "validates, makes sandboxes for pull requests, releases and promotes.",
        ),
    ] = None,
    provider: Annotated[
        Provider | None,
        typer.Option(
            "--provider",
            help="Who runs the pipeline. [default: as the repository and its remote tell]",
        ),
    ] = None,
    service: options.Service = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files and write none.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Make a new function or topology, the overlays of functions, or a pipeline for CI.

    Asks for what to make where no option says it. Never writes over a file that is
    there.
    """
    from tc.cli.run import running
    from tc.errors import UsageError

    with running(as_json=as_json) as run:
        if create:
            _refuse_both(create, topology, function, lang)
        if create is Created.ci:
            _pipeline(run, provider, service, dry_run=dry_run)
            return
        if provider:
            raise UsageError("--provider is for --create ci", hint="leave it out")
        if create:
            _write(run, _overlays(run, service), dry_run=dry_run)
            return
        if topology is None and function is None:
            wish = _asked(lang, service, as_json=as_json)
        else:
            wish = _Wish(topology, function or _FIRST, lang or "python")
        files = _new_topology(wish, service) if wish.topology else _new_function(wish, service)
        if _write(run, files, dry_run=dry_run):
            _tell_next(run, wish, files, service)


def _refuse_both(create: Created, *others: str | None) -> None:
    from tc.errors import UsageError

    if any(others):
        raise UsageError(
            "--create writes files for what is there: --topology, --function and --lang don't go "
            "with it",
            hint=f"tc scaffold --create {create.value}",
        )


def _pipeline(run: Run, provider: Provider | None, service: str | None, *, dry_run: bool) -> None:
    """A pipeline for the repository here."""
    from tc.cli.pipelines import new_pipeline, tell_setup
    from tc.errors import UsageError

    if service:
        raise UsageError(
            "a pipeline is for all topologies of the repository: --service doesn't go with it",
            hint="tc scaffold --create ci",
        )
    chosen, files, roles = new_pipeline(provider.value if provider else "")
    if _write(run, files, dry_run=dry_run):
        tell_setup(run, chosen, roles)


def _overlays(run: Run, service: str | None) -> list[File]:
    from tc.cli.run import read_topology
    from tc.compose.compose import compose
    from tc.load.find import git_root
    from tc.scaffold.files import check_inside
    from tc.scaffold.overlays import overlay_files

    spec, topology = read_topology(run, service, None, None)
    files = list(overlay_files(spec, topology.scope, lambda s, scope: compose(s, scope).topology))
    check_inside(files, git_root(spec.dir) or spec.dir)
    return files


def _new_topology(wish: _Wish, service: str | None) -> list[File]:
    from tc.errors import UsageError
    from tc.scaffold import function, topology

    if service:
        raise UsageError(
            "--service names a topology that is there, --topology a new one",
            hint="leave one of them out",
        )
    assert wish.topology is not None
    lang = function.known_language(wish.lang)
    topology.check_name(wish.topology, Path.cwd())
    function.check_name(wish.function)
    directory = Path.cwd() / wish.topology
    topology.check_free(directory)
    return topology.topology_files(directory, wish.topology, wish.function, lang)


def _new_function(wish: _Wish, service: str | None) -> list[File]:
    from tc.components import sections
    from tc.errors import InvalidInput
    from tc.load.load import find_service, find_topology, load, locate
    from tc.scaffold import function
    from tc.scaffold.topology import check_new_function

    lang = function.known_language(wish.lang)
    function.check_name(wish.function)
    here = Path.cwd()
    file = find_service(service, here) if service else find_topology(here)
    loaded = load(file.parent, sections())
    if loaded.spec is None:
        raise InvalidInput(locate(loaded.findings))
    check_new_function(loaded.spec, wish.function)
    return function.function_files(loaded.spec.dir / wish.function, lang)


def _asked(lang: str | None, service: str | None, *, as_json: bool) -> _Wish:
    """What somebody at a terminal wants."""
    from tc.errors import UsageError
    from tc.scaffold.topology import is_topology

    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "say what to make: --topology NAME, --function NAME or both, and --lang LANGUAGE; "
            "or --create functions for the overlays of those that are there",
            hint="tc scaffold --function NAME --lang python3.13",
        )
    from tc.scaffold.function import DEFAULT_LANGUAGE, check_name, known_language
    from tc.scaffold.topology import check_name as check_topology

    try:
        topology = None
        if not service and _kind(function_first=is_topology(Path.cwd())) == "topology":
            topology = _ask("Its name", lambda text: check_topology(text, Path.cwd()))
        question = "Its first function" if topology else "Its name"
        name = _ask(question, check_name, _FIRST if topology else None)
        return _Wish(topology, name, lang or _ask("Language", known_language, DEFAULT_LANGUAGE))
    except typer.Abort:
        raise KeyboardInterrupt from None


def _kind(*, function_first: bool) -> str:
    from tc.errors import UsageError

    def check(text: str) -> None:
        if text not in ("function", "topology"):
            raise UsageError("write `function` or `topology`")

    default = "function" if function_first else "topology"
    return _ask("A new function, or a new topology? (function, topology)", check, default)


def _ask(question: str, check: Callable[[str], object], default: str | None = None) -> str:
    """The answer to `question`, asked until `check` raises no UsageError."""
    from tc.errors import UsageError

    def checked(text: str) -> str:
        try:
            check(text.strip())
        except UsageError as error:
            said = f"{error.message}; {error.hint}" if error.hint else error.message
            raise typer.BadParameter(said) from None
        return text.strip()

    answer: str = typer.prompt(question, default=default, value_proc=checked)
    return answer


def _write(run: Run, files: Sequence[File], *, dry_run: bool) -> bool:
    """Makes the files that aren't there, telling each; whether any was made."""
    from tc.events import Event
    from tc.scaffold.files import write

    made = 0
    for file in files:
        new = not file.there if dry_run else write(file)
        made += new
        name = "plan.step" if new and dry_run else "step.done"
        run.emit(Event(name, "", _step(file, new=new)))
    kept = len(files) - made
    data = {"create": made, "update": 0, "replace": 0, "delete": 0, "keep": kept}
    if dry_run:
        text = f"Plan: {made} to create, {kept} unchanged."
        run.emit(Event("plan", text, data))
        return False
    parts = [f"{count} {word}" for count, word in ((made, "created"), (kept, "kept")) if count]
    text = f"Done: {', '.join(parts) or 'there is no function here'} ({run.seconds():.1f} s)"
    run.emit(Event("done", text, {"seconds": run.seconds(), "done": made, "kept": kept}))
    return made > 0


def _step(file: File, *, new: bool) -> dict[str, object]:
    from tc.cli.render import human_bytes
    from tc.scaffold.files import shown

    path = shown(file.path)
    return {
        "action": "create" if new else "keep",
        "kind": "file",
        "key": f"file/{path}",
        "name": path,
        "title": path,
        "detail": human_bytes(file.size) if new else "it is there",
        "changes": [],
    }


def _tell_next(run: Run, wish: _Wish, files: Sequence[File], service: str | None) -> None:
    """The commands that try what was made."""
    from tc.events import Event
    from tc.scaffold.files import shown

    event = shown(next(file.path for file in files if file.path.name == "event.json"))
    where = f"-s SANDBOX -e local{f' --service {service}' if service else ''}"
    commands = [f"tc create {where}"]
    chosen = f"-c functions/{wish.function} "
    if wish.topology:
        commands.insert(0, f"cd {wish.topology}")
        event, chosen = f"{wish.function}/event.json", ""
    commands.append(f"tc invoke {where} {chosen}-p {event}")
    text = "To try it:" + "".join(f"\n{command}" for command in commands)
    run.emit(Event("next", text, {"commands": commands}))
