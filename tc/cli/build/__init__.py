"""``tc build``: what is chosen, then one file for each kind of thing that is built."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tc.cli import options
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.build.tools import Tools
    from tc.cli.run import Run
    from tc.config import Config, Environment
    from tc.errors import TcError
    from tc.spec.function import Function
    from tc.spec.topology import Topology

Kind = Literal["code", "layer", "deps", "artifacts", "image"]
#: what is built when nobody says what
_USUAL: tuple[Kind, ...] = ("layer", "code", "image")


@dataclass(frozen=True, slots=True)
class Made:
    """Something built: `kind` is code, layer, image, deps or artifacts; `name` is what it is
    called where it goes; `why` says why it had to be built (``requirements.txt changed``),
    empty when it was `cached`. Sizes in bytes. `published` are addresses it now has."""

    kind: str
    name: str
    functions: tuple[str, ...]
    size: int
    unpacked: int
    cached: bool
    why: str = ""
    seconds: float = 0.0
    path: Path | None = None
    published: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """One run of ``tc build``.

    `functions` are the chosen ones, by the names they are told by; `topology` is composed
    with what is known without asking AWS: a sandbox isn't. `kinds` are what was asked for,
    empty for the usual. `env` is the user's -e, else TC_ENV; `region` is --region. `sent` are the
    names of what was published now.
    """

    run: Run
    config: Config
    topology: Topology
    functions: dict[str, Function]
    tools: Tools
    kinds: tuple[Kind, ...] = ()
    env: str | None = None
    region: str | None = None
    publish: bool = False
    adopt: bool = False
    dry_run: bool = False
    failures: list[TcError] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    _doors: dict[tuple[str, str | None], Aws] = field(default_factory=dict)

    def namespace(self, label: str) -> str:
        """The topology that the function told as `label` is of."""
        function = self.functions[label]
        for part in self.topology.family():
            of_part = (*part.functions.values(), *part.libraries.values())
            if any((one.name, one.dir) == (function.name, function.dir) for one in of_part):
                return part.scope.namespace
        return self.topology.scope.namespace

    def environment(self, central: str = "") -> Environment:
        """Where things are published: `local` when -e says so, else `central` (an env of
        config.yml) when there is one, else the env of -e. Raises UsageError without any."""
        from tc.config import choose_env
        from tc.errors import UsageError

        asked = choose_env(self.env, self.config) if self.env or not central else None
        if asked is not None and (asked.local or not central):
            return asked
        try:
            return choose_env(central, self.config)
        except UsageError as error:
            error.where = error.where or f"`env: {central}` in config.yml"
            raise

    def aws(self, environment: Environment, region: str | None = None) -> Aws:
        """The door to `environment` in `region` (default: --region, else the env's own)."""
        from tc.cli.run import open_aws

        wanted = region or self.region
        known = (environment.name, wanted)
        if known not in self._doors:
            self._doors[known], _ = open_aws(self.run, environment, wanted)
        return self._doors[known]

    def credentials(self) -> Mapping[str, str]:
        """Those of the env as variables; none where no env is chosen."""
        from tc.errors import UsageError

        try:
            environment = self.environment()
        except UsageError as error:
            if error.code != "no-env" or self.env:
                raise
            return {}
        return self.aws(environment).variables()

    def tell(self, made: Made) -> None:
        """Tells of something built or found."""
        from tc.cli.build.tell import tell

        self.made.append(made)
        tell(self.run, made)


def build(
    functions: Annotated[
        list[str] | None, typer.Argument(help="Only these functions, as -c.", show_default=False)
    ] = None,
    component: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--component",
            help="Only this function. May be repeated. "
            "[default: the function whose directory this is, else all]",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="code: packages; layer: dependencies as layers; deps: dependencies where the "
            "function has them, DEPS_PATH on EFS or a layer; artifacts: MODEL_PATH on EFS; "
            "image. May be repeated. [default: code, layer and image, as the functions need]",
        ),
    ] = None,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish",
            help="Publish layers, images or assets to -e; layers to the env that `layers.env` of "
            "config.yml names, if it does, in every region of `envs`. [default: build only]",
        ),
    ] = False,
    list_layers: Annotated[
        bool,
        typer.Option("--list", help="List the newest versions of the topology's published layers."),
    ] = False,
    promote: Annotated[
        bool,
        typer.Option(
            "--promote",
            help="Copy the newest version of each layer to NAME-stable, which `stable` "
            "sandboxes use.",
        ),
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Empty the cache of builds, those of other topologies too, and run the "
            "functions' `clean` tasks.",
        ),
    ] = False,
    shell: Annotated[
        bool,
        typer.Option("--shell", help="Open a shell in the container a function is built in."),
    ] = False,
    container: Annotated[
        bool,
        typer.Option(
            "--container", help="Build in a container. [default: only what can't be built without]"
        ),
    ] = False,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
    adopt: options.Adopt = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be built and published.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Build packages, dependencies, images and models.

    What hasn't changed is taken from the cache; functions with the same dependencies share
    one layer body. Nothing is published without --publish.
    """
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        kinds = _kinds(kind or [], publish=publish)
        verbs = {"list": list_layers, "promote": promote, "clean": clean, "shell": shell}
        _one_of({**verbs, "publish": publish})
        wanted = replace(
            _open(run, [*(functions or []), *(component or [])], service, container=container),
            kinds=kinds,
            env=env or os.environ.get("TC_ENV"),
            region=region,
            publish=publish,
            adopt=adopt,
            dry_run=dry_run,
        )
        wanted = replace(wanted, tools=replace(wanted.tools, credentials=wanted.credentials))
        _carry_out(wanted, list_layers=list_layers, promote=promote, clean=clean, shell=shell)


def _one_of(options: dict[str, bool]) -> None:
    """Raises UsageError when more than one of the options that say what to do is given."""
    from tc.errors import UsageError

    given = [f"--{name}" for name, yes in options.items() if yes]
    if len(given) > 1:
        raise UsageError(f"{given[1]} and {given[0]} can't stand together", hint="give one of them")


def _kinds(written: Sequence[str], *, publish: bool) -> tuple[Kind, ...]:
    from typing import get_args

    from tc.errors import UsageError
    from tc.load.suggest import did_you_mean

    known = get_args(Kind)
    found: list[Kind] = []
    for kind in written:
        if kind not in known:
            hint = did_you_mean(kind, known) or f"there are: {', '.join(known)}"
            raise UsageError(f"`{kind}` is no kind of build", where="--kind", hint=hint)
        found.append(kind)  # type: ignore[arg-type]
    if publish and found == ["code"]:
        raise UsageError(
            "code isn't published alone: it goes up with its function",
            where="--publish",
            hint="tc create, or tc update -c functions/code",
        )
    return tuple(dict.fromkeys(found))


def _open(run: Run, components: Sequence[str], service: str | None, *, container: bool) -> Build:
    """The topology, and the functions that are meant; nothing is called yet."""
    from tc.build.cache import cache_dir
    from tc.build.container import engine
    from tc.build.tools import Tools
    from tc.cli.functions import chosen, labelled
    from tc.cli.run import read_topology
    from tc.config import read_config
    from tc.processes import Running

    config = read_config(Path.cwd())
    spec, topology = read_topology(run, service, None, None, config)
    running = Running()
    run.closing.append(running.stop)
    cache = cache_dir()
    images, like = config.builder.images, config.builder.runtime_images
    containers = engine(images, like, cache, run.emit, running)
    tools = Tools(cache, run.emit, running, containers, container)
    functions = chosen(labelled(spec), components, here=None if service else Path.cwd())
    return Build(run, config, topology, functions, tools)


def _carry_out(build: Build, *, list_layers: bool, promote: bool, clean: bool, shell: bool) -> None:
    if clean:
        from tc.cli.build.clean import clean_up

        clean_up(build)
    elif shell:
        from tc.cli.build.shell import open_shell

        open_shell(build)
    elif list_layers:
        from tc.cli.build.layers import list_published

        list_published(build)
    elif promote:
        from tc.cli.build.layers import promote_layers

        promote_layers(build)
    else:
        _build(build)


def _build(build: Build) -> None:
    """Each kind in turn; a kind that fails doesn't keep the others from being built."""
    from tc.cli.build.tell import finish
    from tc.errors import TcError

    for kind in build.kinds or _USUAL:
        try:
            _builder(kind)(build)
        except TcError as error:
            build.failures.append(error)
    finish(build)


#: kind -> the module here and its function that builds all of a kind, and publishes when asked
_BUILDERS: dict[Kind, tuple[str, str]] = {
    "code": ("code", "build_code"),
    "layer": ("layers", "build_layers"),
    "deps": ("assets", "build_deps"),
    "artifacts": ("assets", "build_artifacts"),
    "image": ("images", "build_images"),
}


def _builder(kind: Kind) -> Callable[[Build], None]:
    from importlib import import_module

    module, name = _BUILDERS[kind]
    found: Callable[[Build], None] = getattr(import_module(f"tc.cli.build.{module}"), name)
    return found
