"""``tc schema``"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class File(StrEnum):
    """A file that people write for tc."""

    topology = "topology"
    function = "function"
    vars = "vars"
    config = "config"


def schema(
    file: Annotated[
        File,
        typer.Argument(
            help="Of topology.yml, a function file, a file in vars/, or config.yml.",
            show_default=True,
        ),
    ] = File.topology,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write it to this file. [default: standard output]"),
    ] = None,
) -> None:
    """Print the JSON Schema of a file, for editors.

    With the schema an editor completes keys, describes them and marks mistakes as
    you type. docs/components.md has the same keys as a page.
    """
    from tc.cli.run import running

    with running(document=True) as run:
        import json

        text = json.dumps(_schema(file), indent=2, ensure_ascii=False)
        if out is None:
            run.result(text)
        else:
            _write(out, f"{text}\n")
            run.log(f"Wrote {out}")


def _schema(file: File) -> dict[str, Any]:
    if file is File.config:
        from tc.config.schema import schema as config_schema

        return config_schema()
    from tc.components import sections
    from tc.load import schema

    if file is File.topology:
        return schema.topology_schema(sections())
    return schema.function_schema() if file is File.function else schema.vars_schema()


def _write(path: Path, text: str) -> None:
    from tc.errors import TcError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TcError(
            f"can't write the schema: {error.strerror}", code="output", where=str(path)
        ) from error
