"""The options that commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Sandbox = Annotated[
    str | None,
    typer.Option("-s", "--sandbox", help="Sandbox, for instance bob. [default: $TC_SANDBOX]"),
]
Env = Annotated[
    str | None,
    typer.Option(
        "-e",
        "--env",
        help="An AWS profile, an entry of config.yml, or local. "
        "[default: $TC_ENV, default_env of config.yml, $AWS_PROFILE]",
    ),
]
Components = Annotated[
    list[str] | None,
    typer.Option(
        "-c",
        "--component",
        help="Only this: a kind (routes), one of a kind (routes/etl), a function (enhancer), "
        "or an aspect of the functions (vars) or of one (enhancer/vars). May be repeated. "
        "[default: everything]",
    ),
]
Service = Annotated[
    str | None,
    typer.Option(
        "--service",
        help="Topology of this name, from the git root. [default: topology.yml here or above]",
    ),
]
Region = Annotated[str | None, typer.Option("--region", help="AWS region. [default: the env's]")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Don't ask.")]
Purge = Annotated[
    bool,
    typer.Option("--purge", help="Also remove what holds data: buckets, tables, user pools."),
]
Adopt = Annotated[
    bool,
    typer.Option("--adopt", help="Take over things of the right name that nobody's mark is on."),
]
Summary = Annotated[
    Path | None,
    typer.Option(
        "--summary",
        metavar="FILE",
        help="Append what was done to this file, as Markdown: $GITHUB_STEP_SUMMARY.",
    ),
]
