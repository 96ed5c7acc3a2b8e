"""``tc compose``"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.spec.topology import Topology


class Format(StrEnum):
    """How a composed topology is written."""

    tree = "tree"
    json = "json"
    yaml = "yaml"
    mermaid = "mermaid"
    dot = "dot"
    asl = "asl"


def compose(
    form: Annotated[
        Format, typer.Option("-f", "--format", help="How to write it.", show_default=True)
    ] = Format.tree,
    components: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--component",
            help="Only roles, or one of them (roles/enhancer): what each may do and because of "
            "what. May be repeated. [default: everything]",
        ),
    ] = None,
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
) -> None:
    """Show what the topology here means.

    Entities, edges, names, flows, permissions. Works offline; without -s and -e,
    names keep their templates.
    """
    from tc.cli.run import read_topology, running

    with running(document=True) as run:
        from tc.config import choose_env, choose_sandbox, read_config

        config = read_config(Path.cwd())
        environment = choose_env(env, config) if env else None
        name = choose_sandbox(sandbox) if sandbox else None
        _, topology = read_topology(run, service, name, environment, config, region)
        run.result(_written(topology, form.value, components or []))


def _written(topology: Topology, form: str, components: list[str]) -> str:
    from tc.compose import formats

    if components:
        return formats.write_roles(topology, form, components)
    return formats.write(topology, form)
