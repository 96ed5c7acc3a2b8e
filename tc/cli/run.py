"""One run of a command: its printer, its topology, its door to AWS, its end.

Commands say what they do inside ``with running(...) as run``; whatever is
raised there is told once, by the printer, and becomes the exit code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.cli.render import Printer
    from tc.config import Config, Environment
    from tc.spec.finding import Finding
    from tc.spec.scope import Scope
    from tc.spec.spec import Spec
    from tc.spec.topology import Topology


#: facts that are on the way to an answer, not part of it
_ASIDE = frozenset({"log", "wait", "progress", "flow.step", "throttled", "build.done"})


@dataclass(slots=True)
class Run:
    """What a command works with; `doors` are those to envs that config.yml names besides the
    command's own, by env and region."""

    printer: Printer
    document: bool = False
    started: float = field(default_factory=time.monotonic)
    code: int = 0
    closing: list[Callable[[], None]] = field(default_factory=list)
    doors: dict[tuple[str, str | None], Aws] = field(default_factory=dict)

    def emit(self, event: Event) -> None:
        """Tells a fact. Where standard output is the answer that was asked for, what
        happens on the way there goes to standard error."""
        if self.document and event.name in _ASIDE:
            if event.text:
                typer.echo(event.text, err=True)
            return
        self.printer.emit(event)

    def log(self, text: str) -> None:
        self.emit(Event("log", text, {"text": text}))

    def result(self, text: str, **data: object) -> None:
        """What the command was asked for: raw for people, `data` for scripts."""
        self.emit(Event("result", text, data))

    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)


@dataclass(frozen=True, slots=True)
class Target:
    """A topology in a sandbox in an env, and the door to that env.

    `commit` is the sha of what is deployed where that isn't what the files here are.
    """

    spec: Spec
    topology: Topology
    environment: Environment
    aws: Aws
    commit: str = ""

    @property
    def scope(self) -> Scope:
        return self.topology.scope


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a version: `directory` has its topology.yml, `commit` is the sha they are of,
    `repo` the name of the git repository, `named` tells what to call a file."""

    directory: Path
    version: str
    commit: str
    repo: str
    named: Callable[[str], str] = str


@contextmanager
def running(*, as_json: bool = False, document: bool = False) -> Iterator[Run]:
    """Runs the body; every error is told, none escapes but the exit code.

    `document` is for commands whose standard output is an answer to keep
    (``tc resolve | jq``).
    """
    from tc.cli.render import printer as new_printer
    from tc.errors import TcError

    printer = new_printer(as_json=as_json)
    run = Run(printer, document=document and not as_json)
    try:
        yield run
    except typer.Exit as done:
        run.code = done.exit_code
    except KeyboardInterrupt as interrupt:
        printer.error(interrupt)
        run.code = 130
    except TcError as error:
        printer.error(error)
        run.code = error.exit_code
    except Exception as error:
        printer.error(error)
        run.code = 1
    finally:
        for close in reversed(run.closing):
            try:
                close()
            except TcError as error:
                printer.error(error)
                run.code = run.code or error.exit_code
        printer.close()
    if run.code:
        raise typer.Exit(run.code)


def read_topology(
    run: Run,
    service: str | None,
    sandbox: str | None,
    environment: Environment | None,
    config: Config | None = None,
    region: str | None = None,
    *,
    forgiving: bool = False,
    tree: Tree | None = None,
) -> tuple[Spec, Topology]:
    """The files, and the topology as far as it is known without asking AWS.

    What isn't known stays a template (``{{account}}``). Raises InvalidInput with
    every problem of every file, and tells the warnings. `forgiving` is for what
    needs little more than the topology's name. With `tree` the files are those of a version,
    which is made to go live by versions and aliases.
    """
    from tc.cli.scopes import scope_of
    from tc.components import kinds, sections
    from tc.compose.compose import compose
    from tc.deploy.twins import twins
    from tc.errors import InvalidInput
    from tc.load.load import load
    from tc.load.locate import locate

    loaded = load(tree.directory if tree else _directory(service), sections())
    if loaded.spec is None:
        raise InvalidInput(locate(loaded.findings))
    scope = scope_of(loaded.spec, sandbox, environment, config, region)
    if tree:
        scope = replace(scope, version=tree.version, repo=tree.repo, stable=True)
    composed = compose(loaded.spec, scope)
    findings: list[Finding] = [*loaded.findings, *composed.findings]
    for part in composed.topology.family():
        for component in kinds():
            findings += component.check(part)
    findings += _of_tests(loaded.spec, composed.topology)
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        errors = list(twins(composed.topology))
        findings += errors
    named = all(finding.address.path != ("name",) for finding in errors)
    if errors and forgiving and named:
        text = f"the files here have {len(errors)} problem{'s' if len(errors) != 1 else ''}"
        data = {"code": "invalid", "hint": "`tc validate` tells them", "message": text}
        run.emit(Event("warning", text, data))
        return loaded.spec, composed.topology
    if errors:
        raise InvalidInput(locate(findings))
    if run.document:
        return loaded.spec, composed.topology
    for problem in locate(findings):
        file = tree.named(problem.file) if tree else problem.file
        place = f"{file}:{problem.line}" if problem.line else file
        run.emit(
            Event(
                "warning",
                f"{place}: {problem.message}",
                {"code": problem.code, "hint": problem.hint, "message": problem.message},
            )
        )
    return loaded.spec, composed.topology


def _of_tests(spec: Spec, topology: Topology) -> Iterable[Finding]:
    """What is wrong with its tests, where there are any."""
    if not any(one.cases for one in spec.family()):
        return ()
    from tc.testing.check import check

    return check(spec, topology)


def _directory(service: str | None) -> Path:
    from tc.load.load import find_service, find_topology

    here = Path.cwd()
    return (find_service(service, here) if service else find_topology(here)).parent


def open_target(
    run: Run,
    *,
    sandbox: str | None,
    env: str | None,
    service: str | None,
    region: str | None,
    forgiving: bool = False,
) -> Target:
    """Everything that a command on a sandbox needs; nothing is called before the
    topology is known to be right."""
    from tc.config import check_region, choose_env, choose_sandbox, read_config

    config = read_config(Path.cwd())
    environment = choose_env(env, config)
    name = choose_sandbox(sandbox)
    check_region(region)
    if not run.document:
        run.log("Composing topology...")
    spec, topology = read_topology(
        run, service, name, environment, config, region, forgiving=forgiving
    )
    aws, environment = open_aws(run, environment, region)
    topology = _in_account(spec, topology, aws)
    if not run.document:
        functor = topology.scope.functor
        run.emit(Event("functor", f"Initializing functor: {functor}", {"functor": functor}))
    return Target(spec, topology, environment, aws)


def open_tree(
    run: Run, tree: Tree, sandbox: str, environment: Environment, config: Config, aws: Aws
) -> Target:
    """A version of a topology, in a sandbox behind a door that is open."""
    spec, topology = read_topology(run, None, sandbox, environment, config, aws.region, tree=tree)
    return Target(spec, _in_account(spec, topology, aws), environment, aws, tree.commit)


def open_empty(
    run: Run, name: str, *, sandbox: str | None, env: str | None, region: str | None
) -> Target:
    """As `open_target`, for the sandbox of a topology whose files aren't here."""
    from tc.cli.scopes import scope_of
    from tc.compose.compose import compose
    from tc.config import check_region, choose_env, choose_sandbox, read_config
    from tc.spec.finding import Address
    from tc.spec.spec import Spec

    config = read_config(Path.cwd())
    environment = choose_env(env, config)
    check_region(region)
    spec = Spec(name, Path.cwd(), Address(Path.cwd()))
    scope = scope_of(spec, choose_sandbox(sandbox), environment, config, region)
    aws, environment = open_aws(run, environment, region)
    topology = _in_account(spec, compose(spec, scope).topology, aws)
    return Target(spec, topology, environment, aws)


def open_aws(run: Run, environment: Environment, region: str | None) -> tuple[Aws, Environment]:
    """The door to `environment`; on `local` the engine behind it is started first
    and its state saved at the end."""
    from tc.aws.session import open_session

    if environment.local:
        from tc.local import engine

        running_engine = engine.ensure(run.emit)
        environment = replace(environment, endpoint_url=running_engine.url)

        def save() -> None:
            if aws.written:
                engine.save(running_engine)

        run.closing.append(save)
    aws = open_session(environment, region, run.emit)
    run.closing.append(aws.close)
    return aws, environment


def _in_account(spec: Spec, topology: Topology, aws: Aws) -> Topology:
    """The topology with the account that the credentials belong to."""
    from tc.compose.compose import compose

    scope = topology.scope
    known = (scope.account, scope.region, scope.partition)
    if known == (aws.account, aws.region, aws.partition):
        return topology
    scope = replace(scope, account=aws.account, region=aws.region, partition=aws.partition)
    return compose(spec, scope).topology
