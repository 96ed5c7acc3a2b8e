"""Hooks around a change, the same for every command that makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.deploy.canary import Canary
    from tc.deploy.hooks import Call
    from tc.deploy.pipeline import Prepared
    from tc.deploy.walk import Outcome


def hooks_of(target: Target, command: str) -> tuple[Call, ...]:
    """The hooks of the topology and of those nested in it, for the command `command`."""
    from tc.deploy.hooks import calls

    specs, topologies = target.spec.family(), target.topology.family()
    parts = [(spec.hooks, topology.scope) for spec, topology in zip(specs, topologies, strict=True)]
    return calls(parts, command)


def carry_out(
    run: Run,
    target: Target,
    prepared: Prepared,
    hooks: tuple[Call, ...],
    command: str,
    canary: Canary | None = None,
) -> Outcome:
    """Does what was planned, between the hooks; they run only when there is something to do.

    With a `canary` the switch goes by way of it.
    Raises TcError before anything is done when `command` may not change the sandbox now.
    """
    from tc.build.commands import masked
    from tc.cli import gates
    from tc.cli.history import begin
    from tc.deploy import hooks as running
    from tc.deploy import pipeline
    from tc.deploy.canary import going

    gates.refuse(target, prepared.plan, command)
    work = bool(prepared.plan.work)
    if work:
        target.aws.check()
        running.run(hooks, "pre", run.emit, masked)
        begin(run, target, prepared.plan)
    go = {"go": going(canary, target.scope)} if canary else {}
    outcome = pipeline.carry_out(prepared, target.aws, run.emit, **go)
    if work and outcome.ok:
        running.run(hooks, "post", run.emit, masked)
    return outcome


def tell_hooks(run: Run, prepared: Prepared, hooks: tuple[Call, ...]) -> None:
    """What would run, when something would."""
    from tc.build.commands import masked
    from tc.deploy.hooks import data

    for call in hooks if prepared.plan.work else ():
        told = data(call, masked)
        text = f"{told['when']} hook: {told['command']} (in {told['dir']})"
        run.emit(Event("plan.hook", text, told))
