"""``tc update``"""

from __future__ import annotations

from tc.cli import options


def update(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    components: options.Components = None,
    service: options.Service = None,
    region: options.Region = None,
    adopt: options.Adopt = False,
    purge: options.Purge = False,
    dry_run: options.DryRun = False,
    summary: options.Summary = None,
    as_json: options.Json = False,
) -> None:
    """Update a sandbox, or one component of it.

    With -c, only that component is read and changed; what it needs and isn't
    there yet is made too.
    """
    from tc.cli.change import bring_about
    from tc.cli.run import open_target, running
    from tc.cli.summary import summarised

    with running(as_json=as_json) as run, summarised(run, summary):
        target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        bring_about(
            run,
            target,
            components or [],
            dry_run=dry_run,
            adopt=adopt,
            purge=purge,
            command="update",
        )
