"""``tc rollback``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.releasing import Place


def rollback(
    service: options.Service = None,
    env: options.Env = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            "-s", "--sandbox", help="Sandbox. [default: release.sandbox of config.yml, stable]"
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="Version. [default: the one before]"),
    ] = None,
    region: options.Region = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Return to the version that ran before.

    Nothing is built and no git is needed: everything of the version is in the artifact bucket.
    Run again, it goes back one further; a version that was rolled back from is passed over. After
    a deploy that failed it returns to what ran before that.
    """
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.cli.releasing import How, bring, checked, manifest_of, open_place, service_name

        namespace = service_name(service)
        to = checked(to)
        place = open_place(run, env=env, sandbox=sandbox, region=region)
        version = to or _before(place, namespace)
        manifest = manifest_of(place, namespace, version)
        run.log(f"Rolling back to {namespace} {version} ({manifest.short})...")
        again = f"tc rollback --service {namespace} -s {place.sandbox} "
        again += f"-e {place.environment.name} --to {version}"
        bring(run, place, manifest, How("rollback", again, dry_run=dry_run))


def _before(place: Place, namespace: str) -> str:
    from tc.deploy.releases import history, live, versions_before
    from tc.errors import TcError

    records = history(place.versions.here, namespace, place.sandbox)
    before = versions_before(records)
    if before:
        return before[-1]
    functor, env = f"{namespace}@{place.sandbox}", place.environment.name
    now = live(records)
    if now is None:
        text = f"nothing was deployed to {functor} in {env} yet"
        hint = f"tc deploy --service {namespace} -s {place.sandbox} -e {env}"
    else:
        text = f"nothing ran in {functor} in {env} before {now.version}"
        hint = "name any version that was published: --to VERSION"
    raise TcError(text, code="no-way-back", where=place.versions.here.name, hint=hint)
