"""``tc diff``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.deploy.pipeline import Prepared


def diff(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    components: options.Components = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 when there are differences.")
    ] = False,
    service: options.Service = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Show what differs between the sandbox and the files here.

    Field by field; changes that somebody made on AWS show too. For a function's code the changed
    files are shown; the deployed package is fetched for that, up to 5 MB.
    """
    from tc.cli.change import image_finder, packager, site_reader, tell_plan
    from tc.cli.layers import layer_source
    from tc.cli.run import open_target, running

    with running(as_json=as_json, document=True) as run:
        from tc.deploy.pipeline import prepare, readable

        target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        prepared = prepare(
            target.topology,
            target.aws,
            packager(run, target),
            run.emit,
            components=components or [],
            adopt=True,
            read_site=site_reader(run),
            find_images=image_finder(run, target),
            layers=layer_source(run, target, write=False),
        )
        tell_plan(run, prepared.plan, _code_diffs(prepared))
        if exit_code and readable(prepared.plan):
            raise typer.Exit(3)


def _code_diffs(prepared: Prepared) -> dict[str, str]:
    """The changed files of each function whose code differs, by the key of its step."""
    from tc.build.source_diff import diff_zips
    from tc.deploy.fetch import deployed_package

    changed = [
        step
        for step in prepared.plan.work
        if step.kind == "function" and any(change.path == "code" for change in step.changes)
    ]
    diffs: dict[str, str] = {}
    for step in changed:
        assert step.actual
        assert step.resource
        location, artifact = step.actual.outputs["location"], step.resource.payload["artifact"]
        # an image has neither
        body = deployed_package(location) if location and artifact else None
        if body is not None:
            diffs[step.key] = diff_zips(body, artifact.path)
    return diffs
