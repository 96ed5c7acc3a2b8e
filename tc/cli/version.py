"""``tc version``"""

from __future__ import annotations

from typing import Annotated

import typer

from tc.cli import options


def version(
    service: Annotated[
        str | None,
        typer.Option(
            "--service",
            help="The version of this topology at HEAD, from the git root; . for the one here. "
            "[default: tc's own version]",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show the version of tc, or of a topology.

    A topology has the version of its last tag, NAME-MAJOR.MINOR.PATCH in the history of HEAD.
    With commits since that touched what belongs to it, it is a build in between:
    0.1.4-dev.3+abc1234 is three commits after 0.1.3, and .dirty says that files aren't committed.
    """
    from tc.cli.run import running

    with running(as_json=as_json, document=True) as run:
        if service is None:
            from tc import __version__

            run.result(f"tc {__version__}", version=__version__)
            return
        from tc.cli.project import open_project
        from tc.release.standing import standing

        project = open_project(run, None if service == "." else service)
        found = standing(project.repo, project.closure, project.namespace, project.spec.version)
        run.result(
            str(found.version),
            service=project.namespace,
            version=str(found.version),
            tag=found.last.tag if found.last and not found.changed else None,
            last=str(found.last.version) if found.last else None,
            sha=found.sha,
            commits=len(found.commits),
            dirty=bool(found.dirty),
        )
