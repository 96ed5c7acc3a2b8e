"""``tc prune``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.deploy.pipeline import Prepared

Gone = Annotated[
    str | None,
    typer.Option(
        "--gone",
        metavar="TOPOLOGY",
        help="Name of a topology that is no longer here: everything its sandbox owns.",
    ),
]
OlderThan = Annotated[
    str | None,
    typer.Option(
        "--older-than",
        metavar="AGE",
        help="Delete whole sandboxes of the env, of any topology, that nobody has changed for "
        "this long: 7d, 12h. -s may be a pattern then: 'pr-*'. Stable and frozen ones stay.",
    ),
]


def prune(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    gone: Gone = None,
    older_than: OlderThan = None,
    region: options.Region = None,
    purge: options.Purge = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Remove what a sandbox owns and its topology doesn't explain, or idle sandboxes.

    Leftovers carry the sandbox's mark and are in no topology any more. Tells them
    and asks first; -y answers yes. What holds data stays unless --purge.
    """
    from tc.cli import gates
    from tc.cli.asking import ask
    from tc.cli.change import finish, tell_plan
    from tc.cli.run import open_target, running
    from tc.errors import UsageError

    with running(as_json=as_json) as run:
        from tc.deploy.pipeline import carry_out
        from tc.deploy.prune import prepare_pruning

        if older_than:
            _prune_idle(run, older_than, sandbox, env, service or gone, region, purge, yes, dry_run)
            return
        if gone and service:
            raise UsageError("--gone and --service name two topologies", hint="keep one of them")
        target = (
            _gone(run, gone, sandbox, env, region)
            if gone
            else open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        )
        prepared = prepare_pruning(target.topology, target.aws, purge=purge)
        if not prepared.plan.work:
            _tell_nothing(run, target, prepared)
            return
        tell_plan(run, prepared.plan)
        if dry_run:
            gates.warn(run, target, prepared.plan, "prune")
            return
        gates.refuse(target, prepared.plan, "prune")
        count = len(prepared.plan.work)
        things = f"{count} thing{'s' if count != 1 else ''} of {target.scope.functor}"
        ask(run, f"Remove {things}?", yes=yes, doing=f"removing {things}", no="Nothing was removed")
        outcome = carry_out(prepared, target.aws, run.emit)
        where = f"-s {target.scope.sandbox} -e {target.environment.name}"
        which = f" --gone {gone}" if gone else ""
        finish(run, target, prepared.plan, outcome, f"tc prune {where}{which}")


def _prune_idle(
    run: Run,
    older_than: str,
    sandbox: str | None,
    env: str | None,
    topology: str | None,
    region: str | None,
    purge: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    from tc.cli.idle import prune_idle
    from tc.errors import UsageError

    if topology:
        raise UsageError(
            "--older-than is for the sandboxes of every topology: --service and --gone don't go "
            "with it",
            hint="tc prune --older-than 7d -e ENV --dry-run",
        )
    prune_idle(
        run,
        older_than,
        sandbox=sandbox,
        env=env,
        region=region,
        purge=purge,
        yes=yes,
        dry_run=dry_run,
    )


def _gone(run: Run, name: str, sandbox: str | None, env: str | None, region: str | None) -> Target:
    """The sandbox of a topology that is no longer here, as one that explains nothing."""
    from pathlib import Path

    from tc.cli.run import open_empty
    from tc.errors import UsageError
    from tc.load.find import topology_names
    from tc.spec.names import NAME

    if not NAME.match(name):
        raise UsageError(f"`{name}` can't be a topology's name", code="invalid-name")
    file = topology_names(Path.cwd()).get(name)
    if file is not None:
        raise UsageError(
            f"the topology `{name}` is still here",
            code="not-gone",
            where=str(file),
            hint=f"tc prune --service {name} removes what it doesn't explain, tc delete all of it",
        )
    return open_empty(run, name, sandbox=sandbox, env=env, region=region)


def _tell_nothing(run: Run, target: Target, prepared: Prepared) -> None:
    from tc.cli.change import tell_kept
    from tc.events import Event

    tell_kept(run, prepared.plan)
    owner = target.scope.owner
    if prepared.plan.steps:
        why = "what is left over holds data"
    elif any(actual.owner == owner for actual in prepared.found.values()):
        why = f"the topology explains all that {owner} has"
    else:
        why = f"{owner} has nothing"
    seconds = run.seconds()
    data = {"seconds": seconds, "calls": sum(target.aws.calls.values()), "wrote": 0, "done": 0}
    data |= {"failed": 0, "skipped": 0}
    run.emit(Event("done", f"Nothing to do: {why} ({seconds:.1f} s)", data))
