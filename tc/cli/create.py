"""``tc create``"""

from __future__ import annotations

from tc.cli import options


def create(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
    adopt: options.Adopt = False,
    purge: options.Purge = False,
    dry_run: options.DryRun = False,
    summary: options.Summary = None,
    as_json: options.Json = False,
) -> None:
    """Create a sandbox, or bring it up to date.

    Everything the topology composes, in dependency order, at once where nothing
    depends. Run again, only what is missing or different is done.
    """
    from tc.cli.change import bring_about
    from tc.cli.run import open_target, running
    from tc.cli.summary import summarised

    with running(as_json=as_json) as run, summarised(run, summary):
        target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        bring_about(run, target, [], dry_run=dry_run, adopt=adopt, purge=purge, command="create")
