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

_EXAMPLES = "-c functions/X, -c routes/X, -c events/X or -c flow"


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
    """Invoke the flow, a function, a route or an event.

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
        url, method = _route(target, name)
        return door.call_route(url, method, payload)
    flow = topology.flows[name]
    if sync:
        return door.run_flow(aws, flow, payload, run.emit)
    return door.start_flow(aws, flow, payload)


def _chosen(target: Target, component: str | None) -> tuple[str, str]:
    """(kind, name) of what is to be invoked."""
    topology = target.topology
    flows = topology.flows
    if component is None or component in ("flow", "states"):
        if topology.name in flows and not flows[topology.name].generated:
            return "flow", topology.name
        if len(flows) == 1:
            return "flow", next(iter(flows))
        if component is None and not flows and len(topology.functions) == 1:
            return "function", next(iter(topology.functions))
        raise _unclear(target)
    kind, _, name = component.partition("/")
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "functions": ("function", dict(topology.functions)),
        "routes": ("route", dict(topology.entries.get("routes", {}))),
        "events": ("event", dict(topology.entries.get("events", {}))),
        "flow": ("flow", dict(flows)),
    }
    if not name:
        kind, name = "functions", component
    word, things = known.get(kind, ("", {}))
    found = _named(word, name, things)
    if found is not None:
        return word, found
    raise _unclear(target, component)


def _named(kind: str, name: str, things: dict[str, Any]) -> str | None:
    """The key of what is called `name`; routes also by path, or by method and path."""
    for candidate in (name, f"/{name}"):
        if candidate in things:
            return candidate
    labels = {entry.model.label(key): key for key, entry in things.items() if kind == "route"}
    return labels.get(name)


def _unclear(target: Target, component: str | None = None) -> Exception:
    from tc.errors import UsageError

    topology = target.topology
    names = [f"flow/{name}" for name in topology.flows]
    names += [f"functions/{name}" for name in topology.functions]
    for section in ("routes", "events"):
        names += [f"{section}/{name}" for name in topology.entries.get(section, {})]
    why = f"there is no `{component}` to invoke" if component else "say what to invoke"
    return UsageError(why, code="component", hint="-c with one of: " + ", ".join(names))


def _route(target: Target, name: str) -> tuple[str, str]:
    """(URL, method) of a route that is deployed."""
    from tc.deploy.addresses import routes
    from tc.deploy.desired import desired_of
    from tc.deploy.gather import gather
    from tc.deploy.pipeline import select
    from tc.spec.facts import Facts

    desired = desired_of(target.topology, Facts())
    apis = {r.parent for r in desired if r.kind == "route" and f"routes/{name}" in r.selectors}
    selection = select([f"routes/{name}"], desired)
    wanted = [r for r in desired if r.key in apis or r.kind == "route"]
    found = gather(target.aws, [], wanted, selection)
    outputs = {key: actual.outputs for key, actual in found.items()}
    for address in routes([r for r in wanted if selection.selects(r)], outputs):
        if address.key in found:
            return address.url, address.method
    raise _not_deployed(target, "route", name)


def _not_deployed(target: Target, kind: str, name: str) -> Exception:
    from tc.errors import TcError

    scope = target.scope
    return TcError(
        f"the {kind} `{name}` isn't deployed in sandbox `{scope.sandbox}`",
        code="not-deployed",
        hint=f"tc create -s {scope.sandbox} -e {target.environment.name}",
    )
