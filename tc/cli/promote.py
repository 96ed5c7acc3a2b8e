"""``tc promote``, and deploying what a snapshot names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.releasing import How, Place
    from tc.cli.run import Run
    from tc.deploy.releases import Record
    from tc.spec.snapshot import Running


def promote(
    source: Annotated[
        str, typer.Option("--from", metavar="ENV", help="The env whose versions are taken.")
    ],
    target: Annotated[
        str, typer.Option("--to", metavar="ENV", help="The env that they are brought to.")
    ],
    service: Annotated[
        str | None, typer.Option("--service", help="Only this topology. [default: all]")
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option("-s", "--sandbox", help="Only this sandbox. [default: the stable ones]"),
    ] = None,
    region: options.Region = None,
    adopt: options.Adopt = False,
    purge: options.Purge = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    summary: options.Summary = None,
    as_json: options.Json = False,
) -> None:
    """Bring an env to the versions that another one runs.

    Nothing is built: the same packages and layers are deployed, byte for byte. Tells what would
    go where and asks first; -y answers yes. A topology that fails hides no other.
    """
    from tc.cli.run import running
    from tc.cli.summary import summarised
    from tc.errors import UsageError

    with running(as_json=as_json) as run, summarised(run, summary):
        from tc.cli.releasing import How
        from tc.cli.snapshot import taken
        from tc.config import check_region, choose_env, read_config

        if source == target:
            raise UsageError("--from and --to name the same env")
        config = read_config(Path.cwd())
        check_region(region)
        choose_env(target, config)
        wanted = [
            one
            for one in taken(run, config, choose_env(source, config), None, service, sandbox)
            if sandbox or one.sandbox in (*config.stable, config.release.sandbox)
        ]
        wanted = versions_only(run, wanted)
        if not wanted:
            raise _nothing(source, service)
        again = f"tc promote --from {source} --to {target}"
        again += f" --service {service}" if service else ""
        how = How("promote", again, dry_run=dry_run, adopt=adopt, purge=purge)
        _bring_all(run, wanted, target, region, how, yes=yes)


def deploy_snapshot(
    run: Run,
    file: Path,
    env: str | None,
    region: str | None,
    service: str | None,
    sandbox: str | None,
    how: How,
    *,
    yes: bool,
) -> None:
    """Brings an env to what stands in a file of `tc snapshot`."""
    from tc.config import choose_env, read_config
    from tc.errors import UsageError
    from tc.spec.snapshot import read

    environment = choose_env(env, read_config(Path.cwd()))
    wanted = [
        one
        for one in read(file).running
        if service in (None, one.topology) and sandbox in (None, one.sandbox)
    ]
    wanted = versions_only(run, wanted)
    if not wanted:
        raise UsageError("the snapshot has nothing of that", code="no-snapshot", where=str(file))
    _refuse_twice(wanted, file)
    how = replace(how, again=f"tc deploy --snapshot {file} -e {environment.name}")
    _bring_all(run, wanted, environment.name, region, how, yes=yes)


def versions_only(run: Run, found: Sequence[Running]) -> list[Running]:
    """Those that were deployed as versions. A nested topology goes with the one it is in, and
    what `tc create` made is of no commit."""
    for one in found:
        if not one.commit:
            text = f"{one.topology}@{one.sandbox} was not deployed as a version: left out"
            run.log(text)
    return [one for one in found if one.commit]


def _nothing(source: str, service: str | None) -> Exception:
    from tc.errors import TcError

    what = f"no version of `{service}`" if service else "no version"
    return TcError(
        f"{what} was deployed in {source}",
        code="missing-version",
        hint=f"tc snapshot -e {source} shows what is there",
    )


def _refuse_twice(wanted: Sequence[Running], file: Path) -> None:
    """A file of several envs may say two things of one sandbox."""
    from tc.errors import UsageError

    seen: dict[tuple[str, str], str] = {}
    for one in wanted:
        before = seen.setdefault((one.topology, one.sandbox), one.version)
        if before != one.version:
            raise UsageError(
                f"the snapshot has two versions of {one.topology}@{one.sandbox}: {before} and "
                f"{one.version}",
                code="no-snapshot",
                where=str(file),
                hint="take a snapshot of one env",
            )


@dataclass(frozen=True, slots=True)
class Move:
    """`running` goes to `place`, where `before` was deployed last; empty for nothing. `since` says
    what happened after that, empty for nothing."""

    running: Running
    place: Place
    before: str
    since: str

    @property
    def done(self) -> bool:
        return self.before == self.running.version and not self.since

    def __str__(self) -> str:
        where = f"from {self.before}" if self.before else "is new there"
        if self.before == self.running.version:
            where = "is there"
        since = f", where {self.since}" if self.since else ""
        one = self.running
        return f"{one.topology}@{one.sandbox} {one.version}: {where}{since}"


def _bring_all(
    run: Run, wanted: Sequence[Running], env: str, region: str | None, how: How, *, yes: bool
) -> None:
    """Tells what goes where, asks, and brings one topology after the other."""
    from tc.cli.asking import ask
    from tc.cli.releasing import each

    moves = _moves(run, wanted, env, region)
    for move in moves:
        _tell(run, move, env)
    todo = [move for move in moves if not move.done]
    if not todo:
        run.log(f"Nothing to do: {env} runs these versions")
        return
    if not how.dry_run:
        count = f"{len(todo)} topologies" if len(todo) > 1 else todo[0].running.topology
        ask(
            run,
            f"Deploy {count} to {env}?",
            yes=yes,
            doing=f"changing {env}",
            hint=f"{how.again} -y",
            no="Nothing was changed",
        )
    each(
        run,
        {
            f"{move.running.topology}@{move.running.sandbox}": partial(_bring, run, move, how)
            for move in todo
        },
    )


def _moves(run: Run, wanted: Sequence[Running], env: str, region: str | None) -> list[Move]:
    from tc.cli.releasing import open_place
    from tc.deploy.releases import everything, interrupted, live

    origins = list(dict.fromkeys(one.env for one in wanted))
    place = open_place(run, env=env, sandbox=wanted[0].sandbox, region=region, origins=origins)
    records = everything(place.versions.here)
    moves = []
    # a file of several envs may say the same twice
    for one in {(one.topology, one.sandbox): one for one in wanted}.values():
        deployed = records.get((one.topology, one.sandbox), [])
        last = live(deployed)
        before = last.version if last else ""
        since = _since(interrupted(deployed))
        moves.append(Move(one, replace(place, sandbox=one.sandbox), before, since))
    return moves


def _since(record: Record | None) -> str:
    if record is None:
        return ""
    if record.kind == "changed":
        return "other commands changed it since"
    return f"a deploy of {record.version} {'failed' if record.kind == 'failed' else 'did not end'}"


def _tell(run: Run, move: Move, env: str) -> None:
    one = move.running
    data = {
        "topology": one.topology,
        "sandbox": one.sandbox,
        "env": env,
        "before": move.before,
        "since": move.since,
        "after": one.version,
    }
    run.emit(Event("promotion", str(move), data))


def _bring(run: Run, move: Move, how: How) -> None:
    from tc.cli.releasing import bring, manifest_of

    manifest = manifest_of(move.place, move.running.topology, move.running.version)
    bring(run, move.place, manifest, how)
