"""``tc deploy``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tc.cli import options
from tc.cli.canary import For, Percent, Tolerate


def deploy(
    service: options.Service = None,
    version: Annotated[
        str | None,
        typer.Option("--version", help="Version of the topology, as in 0.1.4. [default: latest]"),
    ] = None,
    env: options.Env = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            "-s", "--sandbox", help="Sandbox. [default: release.sandbox of config.yml, stable]"
        ),
    ] = None,
    snapshot: Annotated[
        Path | None,
        typer.Option(
            "--snapshot",
            metavar="FILE",
            help="Deploy the versions that a file of `tc snapshot` names, instead of one.",
        ),
    ] = None,
    canary: Percent = None,
    canary_for: For = None,
    tolerate: Tolerate = None,
    region: options.Region = None,
    adopt: options.Adopt = False,
    purge: options.Purge = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    summary: options.Summary = None,
    as_json: options.Json = False,
) -> None:
    """Deploy a version of a topology: exactly what its tag says, all of it or none.

    The first deploy builds it from the tag's own files, never from those that are checked out,
    and keeps every package by its contents in the artifact bucket. From then on nothing is built:
    each further env gets the same bytes. Settings of envs come from config.yml as it is here.
    """
    from tc.cli.run import running
    from tc.cli.summary import summarised
    from tc.errors import UsageError

    with running(as_json=as_json) as run, summarised(run, summary):
        from tc.cli.canary import read_canary
        from tc.cli.releasing import How, open_place, service_name
        from tc.cli.releasing import deploy as bring

        weighed = read_canary(canary, canary_for, tolerate)
        if snapshot is not None:
            if version:
                raise UsageError("--snapshot and --version can't both be given")
            from tc.cli.promote import deploy_snapshot

            how = How("deploy", "", dry_run=dry_run, adopt=adopt, purge=purge, canary=weighed)
            deploy_snapshot(run, snapshot, env, region, service, sandbox, how, yes=yes)
            return
        namespace = service_name(service)
        place = open_place(run, env=env, sandbox=sandbox, region=region)
        again = f"tc deploy --service {namespace} -s {place.sandbox} -e {place.environment.name}"
        again += f" --version {version}" if version else ""
        options_of = {"--canary": canary, "--for": canary_for, "--tolerate": tolerate}
        again += "".join(f" {name} {said}" for name, said in options_of.items() if said)
        how = How("deploy", again, dry_run=dry_run, adopt=adopt, purge=purge, canary=weighed)
        bring(run, place, namespace, version, how)
