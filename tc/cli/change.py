"""What `create`, `update`, `diff` and `delete` share: plan, tell, do, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.deploy.canary import Canary
    from tc.deploy.layers import LayerSource
    from tc.deploy.pipeline import Prepared
    from tc.deploy.walk import Outcome
    from tc.plan.resource import Plan, Step
    from tc.spec.artifact import Artifact
    from tc.spec.function import Function
    from tc.spec.site import Site, SiteSource


@dataclass(frozen=True, slots=True)
class Made:
    """Where a version's packages, images and layers come from, as `prepare` takes them."""

    package: Callable[[Mapping[str, Function]], Mapping[str, Artifact]]
    images: Callable[[Mapping[str, Function]], Mapping[str, str]]
    layers: LayerSource


def bring_about(
    run: Run,
    target: Target,
    components: Sequence[str],
    *,
    dry_run: bool,
    adopt: bool,
    purge: bool,
    command: str,
    made: Made | None = None,
    go_on: str = "",
    canary: Canary | None = None,
) -> None:
    """Makes the sandbox what the topology says, or only tells the plan.

    `command` is the name of the command that was given, `go_on` the whole of it where that isn't
    enough to go on with. What is `made` isn't built or looked for.
    """
    from tc.cli import gates
    from tc.cli.hooks import carry_out, hooks_of, tell_hooks
    from tc.cli.layers import bucket_name, layer_source
    from tc.cli.notices import telling
    from tc.deploy.hindrances import refuse_hindered
    from tc.deploy.pipeline import prepare

    hooks = hooks_of(target, command)
    with telling(run, target, command, dry_run=dry_run) as story:
        check_runtimes(run, target)
        prepared = prepare(
            target.topology,
            target.aws,
            made.package if made else packager(run, target),
            run.emit,
            components=components,
            adopt=adopt,
            purge=purge,
            read_site=site_reader(run),
            find_images=made.images if made else image_finder(run, target),
            layers=made.layers if made else layer_source(run, target, write=not dry_run),
            bucket=bucket_name(),
        )
        refuse_hindered(prepared.plan, target.aws)
        if dry_run:
            gates.warn(run, target, prepared.plan, command)
            tell_hooks(run, prepared, hooks)
            tell_plan(run, prepared.plan)
            tell_switch(run, prepared)
            return
        tell_open(run, prepared.plan)
        tell_switch(run, prepared)
        outcome = carry_out(run, target, prepared, hooks, command, canary)
        story.ended(prepared, outcome)
        if outcome.ok:
            tell_addresses(run, prepared, outcome)
        go_on = go_on or again(command, target, components)
        finish(run, target, prepared.plan, outcome, go_on)


def packager(
    run: Run, target: Target
) -> Callable[[Mapping[str, Function]], Mapping[str, Artifact]]:
    """Packages functions: from their names on AWS to their zips in the user's cache."""

    def package(functions: Mapping[str, Function]) -> Mapping[str, Artifact]:
        from tc.build.cache import cache_dir
        from tc.build.package import package_all
        from tc.cli.layers import host_of, tools_of
        from tc.config import read_config

        if not functions:
            return {}
        short = [function.name for function in functions.values()]
        named = {
            name: function if short.count(function.name) == 1 else replace(function, name=name)
            for name, function in functions.items()
        }
        tools, host = (
            tools_of(run, read_config(Path.cwd())),
            host_of(local=target.environment.local),
        )
        made = package_all(named.values(), cache_dir(), run.emit, tools=tools, host=host)
        return {name: made[function.name] for name, function in named.items()}

    return package


def image_finder(run: Run, target: Target) -> Callable[[Mapping[str, Function]], Mapping[str, str]]:
    """Looks up the images of functions that tc builds: from their names on AWS to addresses."""

    def find(functions: Mapping[str, Function]) -> Mapping[str, str]:
        from tc.cli.images import find_images

        return find_images(run, target, functions)

    return find


def site_reader(run: Run) -> Callable[[SiteSource], Site]:
    """Reads pages, which are then built in the user's cache."""

    def read(source: SiteSource) -> Site:
        from tc.build.cache import cache_dir
        from tc.build.pages import read_site

        return read_site(source, cache_dir(), run.emit)

    return read


def check_runtimes(run: Run, target: Target) -> None:
    """On `local`, says what this machine can't run as written; refuses what it can't run at all."""
    if not target.environment.local:
        return
    from tc.cli.layers import extensions_of
    from tc.components.appsync import with_javascript
    from tc.errors import TcError
    from tc.local.runtimes import check, check_extensions, check_javascript

    functions = [
        (function.name, function.runtime)
        for part in target.topology.family()
        for function in part.functions.values()
    ]
    scripts = [name for part in target.topology.family() for name in with_javascript(part)]
    extensions = extensions_of(target.topology)
    messages = [*check(functions), *check_extensions(extensions), *check_javascript(scripts)]
    for message in messages:
        if message.severity == "warning":
            data = {"code": message.code, "hint": message.hint, "message": message.text}
            run.emit(Event("warning", message.text, data))
    errors = [message for message in messages if message.severity == "error"]
    if errors:
        text = "\n  ".join(message.text for message in errors)
        raise TcError(text, code=errors[0].code, hint=errors[0].hint)


def tell_plan(run: Run, plan: Plan, code_diff: Mapping[str, str] | None = None) -> None:
    """The plan, step by step and field by field, then its sum."""
    from tc.deploy.pipeline import readable

    for step in readable(plan):
        run.emit(Event("plan.step", "", step_data(step, (code_diff or {}).get(step.key, ""))))
    tell_kept(run, plan)
    tell_open(run, plan)
    run.emit(Event("plan", "", counts(plan)))


def tell_open(run: Run, plan: Plan) -> None:
    """The routes that anybody will be able to call, in one line."""
    from tc.components.route import opened

    titles = opened(plan)
    if titles:
        text = f"Open to anyone, without `authorizer`: {', '.join(titles)}"
        run.emit(Event("open", text, {"routes": titles}))


def tell_switch(run: Run, prepared: Prepared) -> None:
    """Of a stable sandbox, how many calls the switch takes, and what can't be part of it."""
    from tc.deploy.switch import told

    for text in told(prepared.plan) if prepared.keep else ():
        run.emit(Event("switch", text, {"message": text}))


def tell_kept(run: Run, plan: Plan) -> None:
    """What stays only because it holds data."""
    for step in plan.steps:
        if step.held:
            text = f"Keeping {step.kind} {step.title}: it holds {step.held}; --purge deletes it"
            data = {"kind": step.kind, "name": step.name, "title": step.title, "held": step.held}
            run.emit(Event("kept", text, data))


def step_data(step: Step, code_diff: str = "") -> dict[str, Any]:
    """A step as it is told; values that may be secret are hidden."""
    from tc.deploy.walk import detail

    size = detail(step)
    data: dict[str, Any] = {
        "action": step.action.name.lower(),
        "kind": step.kind,
        "key": step.key,
        "name": step.name,
        "title": step.title,
        "detail": "" if size == "OK" else size,
        "changes": [
            {"path": c.path, "before": shown(c.path, c.before), "after": shown(c.path, c.after)}
            for c in step.changes
        ],
    }
    if code_diff:
        data["diff"] = code_diff
    return data


def shown(path: str, value: Any) -> Any:
    """`value` as people and scripts may see it: variables are never shown, only where
    a fetched one is from."""
    from tc.plan.resource import Joined, Ref
    from tc.spec.fetched import Secret

    if value is None:
        return None
    if path == "environment":
        return {name: shown(f"{path}.{name}", text) for name, text in value.items()}
    if path.startswith("environment."):
        return str(value) if isinstance(value, Secret) else "(hidden)"
    if path == "code":
        return str(value)[:8]
    return str(value) if isinstance(value, Ref | Joined) else value


def counts(plan: Plan) -> dict[str, int]:
    from tc.deploy.pipeline import readable

    told = [step.action.name.lower() for step in readable(plan)]
    kept = len(plan.steps) - len(told)
    names = ("create", "update", "replace", "delete")
    return {**{name: told.count(name) for name in names}, "keep": kept}


def tell_addresses(run: Run, prepared: Prepared, outcome: Outcome) -> None:
    """Where the routes and the pages answer."""
    from tc.deploy.addresses import pages, routes

    known = {key: found.outputs for key, found in prepared.found.items()} | outcome.outputs
    wanted = {step.key for step in prepared.plan.steps}
    for route in routes(prepared.desired, known):
        if route.key in wanted:
            text = f"Route {route.method} {route.url}"
            run.emit(
                Event(
                    "address",
                    text,
                    {"route": route.title, "method": route.method, "url": route.url},
                )
            )
    for page in pages(prepared.desired, known):
        if page.key in wanted:
            dns = f"; DNS: {page.host} CNAME {page.alias}" if page.alias else ""
            data = {"page": page.title, "url": page.url, "host": page.host, "alias": page.alias}
            run.emit(Event("page", f"Page {page.title} {page.url}{dns}", data))


def finish(run: Run, target: Target, plan: Plan, outcome: Outcome, command: str) -> None:
    """The last line, and the exit code."""
    from tc.deploy.pipeline import readable

    tell_kept(run, plan)
    seconds = run.seconds()
    data = {
        "seconds": seconds,
        "calls": sum(target.aws.calls.values()),
        "wrote": target.aws.written,
        "done": len(outcome.done),
        "failed": len(outcome.failed),
        "skipped": len(outcome.skipped),
    }
    if outcome.ok:
        run.emit(Event("done", _sum(readable(plan), plan, seconds), data))
        return
    left = len(plan.work) - len(outcome.done)
    why = "Interrupted" if outcome.interrupted else "Failed"
    text = (
        f"{why} after {seconds:.1f} s: {len(outcome.done)} done, {len(outcome.failed)} failed, "
        f"{left - len(outcome.failed)} not done. To go on: {renewal(outcome)}{command}"
    )
    run.emit(Event("done", text, data))
    raise typer.Exit(130 if outcome.interrupted else 1)


def renewal(outcome: Outcome) -> str:
    """What has to be done first where credentials ended in the middle."""
    found = [error.hint for _, error in outcome.failed if error.code == "credentials"]
    return f"{found[0]}, then " if found else ""


def _sum(steps: Sequence[Step], plan: Plan, seconds: float) -> str:
    words = (("create", "created"), ("update", "updated"), ("replace", "replaced"))
    told = counts(plan)
    parts = [f"{told[name]} {word}" for name, word in (*words, ("delete", "deleted")) if told[name]]
    if not plan.steps:
        return f"Nothing to do: the sandbox has nothing here ({seconds:.1f} s)"
    if not steps:
        count = told["keep"]
        things = "1 thing is" if count == 1 else f"{count} things are"
        return f"Nothing to do: {things} as the topology says ({seconds:.1f} s)"
    kept = f", {told['keep']} unchanged" if told["keep"] else ""
    return f"Done: {', '.join(parts)}{kept} ({seconds:.1f} s)"


def again(command: str, target: Target, components: Iterable[str] | None) -> str:
    """The command to go on with."""
    scope = target.scope
    chosen = "".join(f" -c {name}" for name in components or ())
    return f"tc {command} -s {scope.sandbox} -e {target.environment.name}{chosen}"
