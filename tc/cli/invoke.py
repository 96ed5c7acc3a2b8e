"""``tc invoke``"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.deploy.invoke import Answer

_EXAMPLES = "-c functions/X, -c routes/X, -c events/X, -c queues/X or -c flow"


def invoke(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    payload: Annotated[
        str,
        typer.Option("-p", "--payload", help="JSON, a file with JSON, or - for standard input."),
    ] = "{}",
    component: Annotated[
        str | None,
        typer.Option(
            "-c",
            "--component",
            help=f"What to invoke: {_EXAMPLES}. "
            "[default: the written flow, else the only flow, else the only function]",
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Wait for the flow's end, and show its states.")
    ] = False,
    service: options.Service = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Invoke the flow, a function, a route, an event or a queue.

    Prints what came back. Exits with 1 when the function or the flow failed.
    """
    from tc.cli.run import open_target, running

    with running(as_json=as_json, document=True) as run:
        body = read_payload(payload)
        target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        answer = _answer(run, target, component, body, sync=sync)
        text = answer.output
        if not isinstance(text, str):
            text = json.dumps(text, indent=2, ensure_ascii=False)
        run.result(text, ok=answer.ok, output=answer.output, error=answer.error, **answer.facts)
        if not answer.ok:
            from tc.errors import TcError

            raise TcError(answer.error, code="invoke")


def read_payload(written: str) -> Any:
    """The JSON that `--payload` means: itself, a file's, or standard input's."""
    from tc.errors import UsageError

    text, where = written, "--payload"
    if written == "-":
        text, where = sys.stdin.read(), "standard input"
    elif written.lstrip()[:1] not in ("{", "[", '"'):
        path = Path(written)
        if path.is_file():
            text, where = path.read_text(), written
        elif not _is_json(written):
            raise UsageError(
                f"`{written}` is neither JSON nor a file", code="payload", where="--payload"
            )
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"the payload is no JSON: {error}", code="payload", where=where) from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _answer(run: Run, target: Target, component: str | None, payload: Any, *, sync: bool) -> Answer:
    """What is invoked answers, unless it isn't there."""
    from tc.errors import AwsError

    kind, name = _chosen(target, component)
    try:
        return _invoke(run, target, kind, name, payload, sync=sync)
    except AwsError as error:
        if error.missing:
            raise _not_deployed(target, kind, name) from error
        raise


def _invoke(run: Run, target: Target, kind: str, name: str, payload: Any, *, sync: bool) -> Answer:
    from tc.deploy import invoke as door

    topology, aws = target.topology, target.aws
    if kind == "function":
        return door.invoke_function(aws, topology.called_name(name), payload)
    if kind == "event":
        return door.send_event(aws, topology, name, payload)
    if kind == "route":
        from tc.deploy.answering import route_addresses

        there = route_addresses(topology, aws, [name])[name]
        if not there:
            raise _not_deployed(target, "route", name)
        return door.call_route(there[0].url, there[0].method, payload)
    if kind == "queue":
        return door.send_message(aws, topology, name, payload)
    flow = topology.flows[name]
    if sync:
        return door.run_flow(aws, flow, payload, run.emit)
    return door.start_flow(aws, flow, payload)


def _chosen(target: Target, component: str | None) -> tuple[str, str]:
    """(kind, name) of what is to be invoked."""
    from tc.deploy.invoked import chosen, components
    from tc.errors import UsageError

    found = chosen(target.topology, component)
    if found:
        return found
    why = f"there is no `{component}` to invoke" if component else "say what to invoke"
    listed = ", ".join(components(target.topology))
    raise UsageError(why, code="component", hint=f"-c with one of: {listed}")


def _not_deployed(target: Target, kind: str, name: str) -> Exception:
    from tc.errors import TcError

    scope = target.scope
    return TcError(
        f"the {kind} `{name}` isn't deployed in sandbox `{scope.sandbox}`",
        code="not-deployed",
        hint=f"tc create -s {scope.sandbox} -e {target.environment.name}",
    )
