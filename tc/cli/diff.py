"""``tc diff``"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.project import Project
    from tc.cli.run import Run, Target
    from tc.deploy.pipeline import Prepared
    from tc.plan.resource import Plan


#: versions that `--changelog` tells besides what isn't released
_DEPTH = 5


class Format(StrEnum):
    """How differences are written."""

    text = "text"
    markdown = "markdown"


def diff(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    components: options.Components = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 when there are differences.")
    ] = False,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="How to write it; markdown is for comments.", show_default=True
        ),
    ] = Format.text,
    changelog: Annotated[
        bool,
        typer.Option(
            "--changelog",
            help="Show instead what changed from version to version: what isn't released and the "
            "last 5 versions, what --between says, or with -s and -e what the sandbox lacks.",
        ),
    ] = False,
    between: Annotated[
        str | None,
        typer.Option(
            "--between",
            help="Compare instead two versions, tags, branches or commits: 0.1.3..0.1.4, or "
            "0.1.3.. with the files here. Shows the changelog and what changes in what is "
            "deployed. Asks no account; with -e and -s, what their overlays make of it.",
        ),
    ] = None,
    service: options.Service = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Show what differs between the sandbox and the files here.

    Field by field; changes that somebody made on AWS show too. For a function's code the changed
    files are shown; the deployed package is fetched for that, up to 5 MB. With --changelog or
    --between: what differs between versions.
    """
    from tc.cli.run import running

    markdown = form is Format.markdown
    asked = Asked(service, sandbox, env, region, components or [], markdown, as_json)
    with running(as_json=as_json, document=True) as run:
        from tc.deploy.pipeline import readable

        if changelog or between:
            plan = _tell_versions(run, between, asked, plan=not changelog)
        else:
            plan = _tell_sandbox(run, asked)
        if exit_code and plan and readable(plan):
            raise typer.Exit(3)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said of a comparison."""

    service: str | None
    sandbox: str | None
    env: str | None
    region: str | None
    components: list[str]
    markdown: bool
    as_json: bool


def _tell_sandbox(run: Run, asked: Asked) -> Plan:
    """What differs between the sandbox and the files here."""
    from tc.cli.change import image_finder, packager, site_reader, tell_plan
    from tc.cli.layers import layer_source
    from tc.cli.run import open_target
    from tc.deploy.pipeline import prepare

    target = open_target(
        run, sandbox=asked.sandbox, env=asked.env, service=asked.service, region=asked.region
    )
    prepared = prepare(
        target.topology,
        target.aws,
        packager(run, target),
        run.emit,
        components=asked.components,
        adopt=True,
        read_site=site_reader(run),
        find_images=image_finder(run, target),
        layers=replace(layer_source(run, target, write=False), needed=False),
    )
    if asked.markdown:
        run.result(_markdown(target, prepared))
    else:
        tell_plan(run, prepared.plan, _code_diffs(prepared))
    return prepared.plan


def _tell_versions(run: Run, between: str | None, asked: Asked, *, plan: bool) -> Plan | None:
    """The changelog, and with `plan` what changes in what is deployed."""
    from tc.cli.between import compare, markdown, tell, where_of
    from tc.cli.changelog import Format as Written
    from tc.cli.changelog import tell_changelog
    from tc.cli.project import open_project
    from tc.release.changelog import changelog, range_of

    where = where_of(asked.sandbox, asked.env)
    project = open_project(run, asked.service)
    if not between and (asked.sandbox or asked.env):
        between = f"{_deployed(run, project, asked)}..HEAD"
    span = range_of(project.repo, project.namespace, between) if between else None
    # what goes back takes commits away, and brings none
    if not (plan and span and span.goes_back(project.repo)):
        depth = None if between else _DEPTH
        found = changelog(project.repo, project.closure, project.namespace, between, depth=depth)
        form = Written.markdown if asked.markdown else Written.text
        tell_changelog(run, found, form, as_json=asked.as_json)
    if not (plan and span):
        return None
    compared = compare(run, project, span, where, asked.components)
    if asked.markdown:
        run.result(markdown(project.namespace, span, compared))
    else:
        tell(run, compared)
    return compared.plan


def _deployed(run: Run, project: Project, asked: Asked) -> str:
    """The version or commit that the sandbox runs, as `tc snapshot` tells it.

    Raises TcError ``not-deployed`` when the sandbox isn't there or runs no version of git's.
    """
    from tc.cli.snapshot import taken
    from tc.config import choose_env, choose_sandbox, read_config
    from tc.errors import TcError
    from tc.release.versions import versions_of

    config = read_config(Path.cwd())
    environment, sandbox = choose_env(asked.env, config), choose_sandbox(asked.sandbox)
    found = taken(run, config, environment, asked.region, project.namespace, sandbox)
    known = {str(one.version) for one in versions_of(project.repo, project.namespace)}
    for one in found:
        if one.commit or one.version in known:
            return one.commit or one.version
    raise TcError(
        f"{project.namespace}@{sandbox} in {environment.name} runs no version of this repository",
        code="not-deployed",
        hint="tc deploy brings versions; --between FROM..TO compares others",
    )


def _markdown(target: Target, prepared: Prepared) -> str:
    """The plan for a comment."""
    from tc.cli.change import counts, step_data
    from tc.cli.render.markdown import plan_markdown
    from tc.components.route import opened
    from tc.deploy.pipeline import readable

    diffs = _code_diffs(prepared)
    steps = [step_data(step, diffs.get(step.key, "")) for step in readable(prepared.plan)]
    routes = opened(prepared.plan)
    return plan_markdown(
        f"{target.scope.owner} in {target.environment.name}",
        steps,
        counts(prepared.plan),
        note=f"Open to anyone, without `authorizer`: {', '.join(routes)}" if routes else "",
    )


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
