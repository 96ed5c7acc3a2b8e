"""``tc changelog``"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.release.changelog import Changelog

Between = Annotated[
    str | None,
    typer.Option(
        "--between",
        help="Only what came in between: 0.1.3..0.1.4. Each end is a version, or a tag, branch or "
        "commit; 0.1.3.. ends at HEAD, ..0.1.4 starts at the beginning.",
    ),
]


class Format(StrEnum):
    """How a changelog is written."""

    text = "text"
    markdown = "markdown"
    json = "json"


def changelog(
    between: Between = None,
    search: Annotated[
        str | None,
        typer.Option("--search", help="Only commits with this text: message, author, sha."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.text,
    service: options.Service = None,
    as_json: options.Json = False,
) -> None:
    """Show what changed in a topology from version to version.

    These are the commits that touched what belongs to it: its directory, functions and libraries
    elsewhere in the repository, overlays, included files. What isn't released comes first. Commits
    that say what they are (feat: …, fix: …; conventionalcommits.org) are grouped by that, those
    that break something first.
    """
    from tc.cli.run import running

    with running(as_json=as_json, document=True) as run:
        from tc.cli.project import open_project
        from tc.release.changelog import changelog as changelog_of

        project = open_project(run, service)
        found = changelog_of(project.repo, project.closure, project.namespace, between, search)
        tell_changelog(run, found, form, as_json=as_json, search=search)


def tell_changelog(
    run: Run,
    found: Changelog,
    form: Format = Format.text,
    *,
    as_json: bool,
    search: str | None = None,
) -> None:
    """The changelog as the answer; with ``--json`` a line for each version."""
    import json

    if as_json:
        for section in found.data():
            run.emit(Event("changelog", "", {"service": found.namespace, **section}))
        return
    if form is Format.json:
        run.result(json.dumps(found.data(), indent=2, ensure_ascii=False))
        return
    if not any(section.commits for section in found.sections):
        what = f"with `{search}` " if search else ""
        run.log(f"No commit {what}touched {found.namespace} there")
        if not found.sections:
            return
    run.result(found.markdown() if form is Format.markdown else found.text())
    if found.older:
        versions = "1 older version" if found.older == 1 else f"{found.older} older versions"
        run.log(f"{versions}: tc changelog")
