"""``tc delete``"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.plan.resource import Plan


def delete(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    components: options.Components = None,
    service: options.Service = None,
    region: options.Region = None,
    purge: options.Purge = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Delete all that is the sandbox's, and nothing else.

    Asks first for a stable sandbox (`stable` in config.yml); -y answers yes.
    """
    from tc.cli import gates
    from tc.cli.change import again, finish, tell_plan
    from tc.cli.hooks import carry_out, hooks_of, tell_hooks
    from tc.cli.notices import telling
    from tc.cli.run import open_target, running

    with running(as_json=as_json) as run:
        from tc.deploy.pipeline import prepare_removal

        target = open_target(
            run, sandbox=sandbox, env=env, service=service, region=region, forgiving=True
        )
        hooks = hooks_of(target, "delete")
        prepared = prepare_removal(
            target.topology, target.aws, components=components or [], purge=purge
        )
        if dry_run:
            gates.warn(run, target, prepared.plan, "delete")
            tell_hooks(run, prepared, hooks)
            tell_plan(run, prepared.plan)
            return
        if prepared.plan.work:
            _ask(run, target, prepared.plan, yes=yes)
        with telling(run, target, "delete") as story:
            outcome = carry_out(run, target, prepared, hooks, "delete")
            story.ended(prepared, outcome)
            finish(run, target, prepared.plan, outcome, again("delete", target, components))


def _ask(run: Run, target: Target, plan: Plan, *, yes: bool) -> None:
    """A stable sandbox goes only on somebody's word; nobody is asked for what is refused."""
    from tc.cli import gates
    from tc.cli.asking import ask

    if yes or not target.scope.stable:
        return
    gates.refuse(target, plan, "delete")
    functor = target.scope.functor
    ask(run, f"Delete {functor}?", yes=yes, doing=f"deleting {functor}", no="Nothing was deleted")
