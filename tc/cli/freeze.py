"""``tc freeze`` and ``tc unfreeze``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.deploy.frozen import Freeze

Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Told to everybody who is refused.")
]


def freeze(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
    reason: Reason = "",
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Refuse every change of a sandbox, until `tc unfreeze`.

    Whoever would change it, deploy to it or delete it is told who froze it, when and why.
    What runs goes on running. What is frozen already stays as it was.
    """
    from datetime import UTC, datetime

    from tc.cli.run import open_target, running

    with running(as_json=as_json) as run:
        from tc.deploy import frozen

        _check(reason)
        target = open_target(
            run, sandbox=sandbox, env=env, service=service, region=region, forgiving=True
        )
        family = target.topology.family()
        scopes = [part.scope for part in family]
        before = frozen.frozen(target.aws, scopes)
        known = {one.owner for one in before}
        fresh = [scope for scope in scopes if scope.owner not in known]
        if dry_run:
            now = [frozen.Freeze(scope.owner, frozen.parameter_name(scope)) for scope in fresh]
        else:
            now = frozen.freeze(target.aws, fresh, reason, datetime.now(UTC))
        for one in before:
            _tell(run, target, one, "frozen.before", one.text)
        for one in now:
            text = f"{one.owner} would be frozen" if dry_run else one.text
            _tell(run, target, one, "plan.freeze" if dry_run else "frozen", text)
        if not dry_run:
            frozen.tag_functions(target.aws, family, on=True)


def unfreeze(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Let a sandbox be changed again that `tc freeze` froze."""
    from tc.cli.run import open_target, running

    with running(as_json=as_json) as run:
        from tc.deploy import frozen

        target = open_target(
            run, sandbox=sandbox, env=env, service=service, region=region, forgiving=True
        )
        family = target.topology.family()
        if dry_run:
            found = frozen.frozen(target.aws, [part.scope for part in family])
        else:
            found = frozen.unfreeze(target.aws, family)
        for one in found:
            done = f"{one.owner} is no longer frozen"
            text = f"{one.text}; it would be unfrozen" if dry_run else done
            _tell(run, target, one, "plan.unfreeze" if dry_run else "unfrozen", text)
        if not found:
            run.log(f"Nothing to do: {target.scope.owner} isn't frozen")


def _check(reason: str) -> None:
    from tc.deploy.frozen import REASON
    from tc.errors import UsageError

    if len(reason) > REASON:
        raise UsageError(f"--reason has {len(reason)} characters, more than {REASON}")
    if not reason.isprintable():
        raise UsageError("--reason must be one line of plain text")


def _tell(run: Run, target: Target, one: Freeze, name: str, text: str) -> None:
    from tc.events import Event

    sandbox = one.owner.partition("@")[2]
    data = {
        "owner": one.owner,
        "sandbox": sandbox,
        "env": target.environment.name,
        "by": one.by,
        "at": one.at,
        "reason": one.reason,
    }
    run.emit(Event(name, text, data))
