"""``tc release``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.cli.tag import Next

if TYPE_CHECKING:
    from tc.cli.project import Project
    from tc.cli.releasing import Place
    from tc.cli.run import Run
    from tc.errors import TcError
    from tc.release.standing import Proposal
    from tc.release.versions import Released


def release(
    service: options.Service = None,
    following: Annotated[
        Next, typer.Option("--next", help="Which part of the version is raised.")
    ] = Next.minor,
    env: Annotated[
        str | None,
        typer.Option("-e", "--env", help="Env. [default: release.env of config.yml, qa]"),
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            "-s", "--sandbox", help="Sandbox. [default: release.sandbox of config.yml, stable]"
        ),
    ] = None,
    no_push: Annotated[
        bool, typer.Option("--no-push", help="Keep the tag here: nobody else knows of it then.")
    ] = False,
    no_deploy: Annotated[bool, typer.Option("--no-deploy", help="Only make the version.")] = False,
    region: options.Region = None,
    dry_run: options.DryRun = False,
    summary: options.Summary = None,
    as_json: options.Json = False,
) -> None:
    """Release what is committed: a version, its changelog, and a deploy to QA.

    Makes the next version of HEAD as an annotated tag with the changelog, pushes it, deploys it and
    prints it. Each step that was done before is passed over, so a release that stopped is finished
    by the same command. Of two at once the one whose tag is pushed first wins; the other one ends
    with 1 and says so. Refused while files of the topology aren't committed, and where a version
    was made of newer commits than the one that is checked out.
    """
    from tc.cli.run import running
    from tc.cli.summary import summarised

    with running(as_json=as_json) as run, summarised(run, summary):
        from tc.cli.project import open_project
        from tc.cli.releasing import How, deploy_released, open_place
        from tc.cli.tag import tell
        from tc.config import read_config

        project = open_project(run, service, strict=True)
        chosen = env or read_config(Path.cwd()).release.env
        place = None
        if not no_deploy:
            place = open_place(run, env=chosen, sandbox=sandbox, region=region)
        if not (no_push or dry_run):
            _fetch(project)
        _refuse_behind(project)
        proposal, released = _version(project, following)
        if place:
            _check(run, place, project, released)
            if proposal:
                _refuse_published(place, project, proposal)
        if proposal:
            tell(run, proposal)
        else:
            run.log(f"Nothing of {project.namespace} changed since {released.version}")
        if not dry_run:
            _tag(run, project, proposal, released, push=not no_push)
        if place:
            again = f"tc release --service {project.namespace} -e {chosen} -s {place.sandbox}"
            again += " --no-push" if no_push else ""
            how = How("deploy", again, dry_run=dry_run)
            deploy_released(run, place, project.namespace, released, how)
        run.result(
            str(released.version),
            service=project.namespace,
            version=str(released.version),
            tag=released.tag,
            sha=released.sha,
            made=bool(proposal) and not dry_run,
            deployed=f"{place.sandbox}.{chosen}" if place and not dry_run else None,
        )


def _refuse_behind(project: Project) -> None:
    """Raises TcError ``behind`` when what is checked out is older than a version: in QA a release
    of it would be a step back."""
    from tc.errors import TcError
    from tc.release.versions import ahead

    if one := ahead(project.repo, project.namespace):
        name = project.namespace
        raise TcError(
            f"{one.tag} was made of newer commits than the one that is checked out",
            code="behind",
            where=str(project.repo.root),
            hint=f"git pull; to go back to a version: tc deploy --service {name} --version VERSION",
        )


def _version(project: Project, following: Next) -> tuple[Proposal | None, Released]:
    """The next version of HEAD, or None and the last one when nothing changed since that."""
    from datetime import UTC, datetime

    from tc.release.standing import propose
    from tc.release.versions import Released, latest

    repo, namespace = project.repo, project.namespace
    proposal = propose(repo, project.closure, namespace, following.value, said=project.spec.version)
    if proposal:
        now = datetime.now(UTC)
        return proposal, Released(proposal.tag, proposal.version, proposal.sha, now)
    last = latest(repo, namespace)
    assert last
    return None, last


def _check(run: Run, place: Place, project: Project, released: Released) -> None:
    """What would stop the deploy is told before there is a version: files that don't compose, a
    guard, a freeze. An approval may come later, with the tag."""
    from dataclasses import replace

    from tc.cli import gates
    from tc.cli.run import Tree, open_tree
    from tc.errors import TcError

    version, name = str(released.version), project.repo.root.name
    tree = Tree(project.spec.dir, version, released.sha, name)
    quiet = replace(run, document=True)
    target = open_tree(quiet, tree, place.sandbox, place.environment, place.config, place.aws)
    for one in gates.refusals(target, "release"):
        if one.code != "not-approved":
            raise TcError(f"{one.text}; no version was made", code=one.code, hint=one.hint)


def _refuse_published(place: Place, project: Project, proposal: Proposal) -> None:
    """Raises TcError ``version-taken`` when that version was published from another commit, of
    which the tag is gone."""
    from tc.errors import TcError

    there = place.versions.find(project.namespace, str(proposal.version))
    if there and there.sha != proposal.sha:
        raise TcError(
            f"{proposal.version} was published before, from {there.short} by {there.by}, "
            f"{there.at}, and has no tag here; no version was made",
            code="version-taken",
            where=proposal.tag,
            hint=f"bring its tag back: git tag -a -m again {proposal.tag} {there.sha}",
        )


def _tag(
    run: Run, project: Project, proposal: Proposal | None, released: Released, *, push: bool
) -> None:
    """Makes the tag where it is missing, and pushes it: that is the lock."""
    from tc.cli.tag import make_tag
    from tc.errors import TcError

    if proposal is None:
        if push:
            # an earlier run may have been stopped before it did
            project.repo.push(released.tag)
        return
    try:
        make_tag(project, proposal, push=push)
    except TcError as error:
        if error.code == "tag-taken":
            raise _lost(project, proposal, error) from error
        raise
    run.log(f"Tagged {proposal.tag}" + (" and pushed it" if push else ""))


def _lost(project: Project, proposal: Proposal, error: TcError) -> TcError:
    """Somebody else's release was faster: who, and when."""
    import os

    from tc.errors import TcError
    from tc.release.text import readable

    repo = project.repo
    repo.fetch_tags()
    fields = "%(taggername)%00%(creatordate:iso)%00"
    said = repo.git("for-each-ref", f"--format={fields}", f"refs/tags/{proposal.tag}")
    name, when, *_ = [*os.fsdecode(said).split("\0"), "", ""]
    who = f" by {readable(name)}, {when}" if name else ""
    return TcError(
        f"{proposal.tag} was released{who}, a moment before: this release made nothing",
        code="tag-taken",
        where=error.where,
        hint="git pull, and release again what isn't in it",
    )


def _fetch(project: Project) -> None:
    """Brings the remote's tags here, so that what was released elsewhere counts."""
    from tc.cli.tag import fetch
    from tc.errors import TcError

    try:
        fetch(project)
    except TcError as error:
        if error.code != "no-origin":
            raise
        hint = f"{error.hint}; or keep the tag here: --no-push"
        raise TcError(error.message, code=error.code, where=error.where, hint=hint) from error
