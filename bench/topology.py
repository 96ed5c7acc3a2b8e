"""The topologies that are measured: N functions, an API with a route to each, a flow."""

from __future__ import annotations

import json
from pathlib import Path

NAME = "bench"
_FLOW = """\
flow:
  StartAt: first
  States:
    first:
      Type: Task
      Resource: arn:{{partition}}:states:::lambda:invoke
      Parameters:
        FunctionName: '{{namespace}}_worker0_{{sandbox}}'
        Payload.$: $
      OutputPath: $.Payload
      End: true
"""


def write(directory: Path, functions: int) -> Path:
    """A topology of `functions` functions, with a route to each; returns `directory`."""
    routes = (
        f"  /things/{i}:\n    method: POST\n    function: worker{i}\n" for i in range(functions)
    )
    directory.mkdir(parents=True)
    (directory / "topology.yml").write_text(f"name: {NAME}\nroutes:\n{''.join(routes)}{_FLOW}")
    for i in range(functions):
        function = directory / f"worker{i}"
        function.mkdir()
        settings = {"memory": 128, "timeout": 10}
        (function / "function.json").write_text(
            json.dumps({"name": function.name, "runtime": {"lang": "python3.11", **settings}})
        )
        edit(directory, i, "first")
    return directory


def edit(directory: Path, function: int, mark: str) -> None:
    """Gives a function's handler contents that no package was made of before."""
    (directory / f"worker{function}" / "handler.py").write_text(
        f"def handler(event, context):\n"
        f"    return {{'worker': {function}, 'mark': '{mark}', 'event': event}}\n"
    )
