"""``tc prune --older-than``: whole sandboxes that nobody has changed for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tc.events import Event

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.cli.run import Run, Target
    from tc.config import Config, Environment
    from tc.deploy.idle import Idle
    from tc.deploy.inventory import Sandbox
    from tc.spec.topology import Topology


def prune_idle(
    run: Run,
    older_than: str,
    *,
    sandbox: str | None,
    env: str | None,
    region: str | None,
    purge: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Deletes the sandboxes of the env that weren't changed for `older_than` (``7d``)."""
    from tc.cli.asking import ask
    from tc.cli.run import open_aws
    from tc.config import check_region, choose_env, read_config
    from tc.deploy.idle import age, idle
    from tc.deploy.inventory import sandboxes

    before = datetime.now(UTC) - age(older_than)
    pattern = _pattern(sandbox)
    config = read_config(Path.cwd())
    environment = choose_env(env, config)
    check_region(region)
    aws, environment = open_aws(run, environment, region)
    found = idle(
        aws,
        sandboxes(aws, config.roles.path_prefix),
        before,
        _empty(environment, config, aws),
        pattern=pattern,
        stable=config.stable,
        purge=purge,
    )
    going = [one for one in found if not one.kept]
    if found:
        _table(run, found)
    if not going:
        named = f" called {pattern}" if pattern != "*" else ""
        text = f"Nothing to do: no sandbox{named} in {environment.name} is idle for {older_than}"
        run.emit(Event("done", text, _counts(run, aws, 0, 0)))
        return
    for one in going if dry_run else ():
        _tell(run, environment, aws, one)
    if dry_run:
        return
    what = f"{len(going)} sandbox{'es' if len(going) != 1 else ''} of {environment.name}"
    ask(run, f"Delete {what}?", yes=yes, doing=f"deleting {what}", no="Nothing was deleted")
    failed = [one for one in going if not _removed(run, environment, aws, one)]
    _finish(run, aws, going, failed, f"tc prune --older-than {older_than} -e {environment.name}")


def _pattern(sandbox: str | None) -> str:
    """What the names of sandboxes must be like: ``pr-*``. Raises UsageError for what none can be
    called."""
    import os
    import re

    from tc.errors import UsageError

    chosen = sandbox or os.environ.get("TC_SANDBOX") or "*"
    if not re.fullmatch(r"[a-z0-9*?-]+", chosen):
        raise UsageError(
            f"no sandbox is called `{chosen}`",
            code="invalid-name",
            hint="a-z, 0-9 and - make a name; * and ? stand for any of them",
        )
    return chosen


def _empty(environment: Environment, config: Config, aws: Aws) -> Callable[[Sandbox], Topology]:
    """Makes the topology that explains nothing of a sandbox."""
    from dataclasses import replace

    from tc.cli.scopes import scope_of
    from tc.compose.compose import compose
    from tc.spec.finding import Address
    from tc.spec.spec import Spec

    def empty(box: Sandbox) -> Topology:
        spec = Spec(box.namespace, Path.cwd(), Address(Path.cwd()))
        scope = scope_of(spec, box.sandbox, environment, config, aws.region)
        scope = replace(scope, account=aws.account, region=aws.region, partition=aws.partition)
        return compose(spec, scope).topology

    return empty


def _table(run: Run, found: Sequence[Idle]) -> None:
    from tc.cli.render import ago

    columns = ["topology", "sandbox", "changed", "updated_by", "things", "what"]
    rows = [
        [
            one.box.namespace,
            one.box.sandbox,
            ago(one.changed) if one.changed else "",
            one.box.updated_by,
            str(one.box.things),
            f"stays: {one.kept}" if one.kept else "goes",
        ]
        for one in found
    ]
    run.emit(Event("table", "", {"columns": columns, "rows": rows}))


def _target(environment: Environment, aws: Aws, one: Idle) -> Target:
    from tc.cli.run import Target
    from tc.spec.finding import Address
    from tc.spec.spec import Spec

    assert one.topology
    spec = Spec(one.box.namespace, Path.cwd(), Address(Path.cwd()))
    return Target(spec, one.topology, environment, aws)


def _tell(run: Run, environment: Environment, aws: Aws, one: Idle) -> None:
    """The plan of a dry run, with what would forbid it."""
    from tc.cli import gates
    from tc.cli.change import tell_plan

    assert one.prepared
    run.log(f"Deleting {one.box.namespace}@{one.box.sandbox}:")
    gates.warn(run, _target(environment, aws, one), one.prepared.plan, "prune")
    tell_plan(run, one.prepared.plan)


def _removed(run: Run, environment: Environment, aws: Aws, one: Idle) -> bool:
    """Deletes the sandbox; one that can't be is told, and the others go on."""
    from tc.cli import gates
    from tc.cli.change import tell_kept
    from tc.deploy.pipeline import carry_out
    from tc.errors import TcError

    assert one.prepared
    owner = f"{one.box.namespace}@{one.box.sandbox}"
    run.log(f"Deleting {owner}")
    try:
        gates.refuse(_target(environment, aws, one), one.prepared.plan, "prune")
        outcome = carry_out(one.prepared, aws, run.emit)
    except TcError as error:
        data = {"code": error.code, "message": error.message, "hint": error.hint}
        run.emit(Event("warning", f"{owner} stays: {error.message}", data))
        return False
    tell_kept(run, one.prepared.plan)
    if outcome.interrupted:
        raise KeyboardInterrupt
    return bool(outcome.ok)


def _finish(
    run: Run, aws: Aws, going: Sequence[Idle], failed: Sequence[Idle], command: str
) -> None:
    done = len(going) - len(failed)
    data = _counts(run, aws, done, len(failed))
    told = f"{done} sandbox{'es' if done != 1 else ''} deleted"
    if not failed:
        run.emit(Event("done", f"Done: {told} ({run.seconds():.1f} s)", data))
        return
    text = f"Failed after {run.seconds():.1f} s: {told}, {len(failed)} not. To go on: {command}"
    run.emit(Event("done", text, data))
    raise typer.Exit(1)


def _counts(run: Run, aws: Aws, done: int, failed: int) -> dict[str, Any]:
    return {
        "seconds": run.seconds(),
        "calls": sum(aws.calls.values()),
        "wrote": aws.written,
        "done": done,
        "failed": failed,
        "skipped": 0,
    }
