"""Two versions of a topology side by side: what would change where the one is deployed and the
other is deployed next. No account is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tc.errors import TcError
from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.build.entry import Entry
    from tc.cli.project import Project
    from tc.cli.run import Run
    from tc.config import Config, Environment
    from tc.plan.resource import Actual, Plan, Resource
    from tc.release.changelog import Range
    from tc.spec.facts import Facts
    from tc.spec.fetched import Secret
    from tc.spec.finding import Finding
    from tc.spec.function import Function
    from tc.spec.spec import Spec
    from tc.spec.topology import Topology

#: files that are told by name
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Where:
    """The sandbox and env whose overlays are taken, as far as they were named."""

    sandbox: str | None
    environment: Environment | None
    config: Config


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its files, and all that should be deployed of it. `root` is the top of
    its working tree."""

    name: str
    root: Path
    spec: Spec
    topology: Topology
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`diffs` are those of functions' files by the key of their steps, `others` the files that
    changed and belong to no function, `overlaid` the envs and sandboxes of which vars differ that
    weren't asked for."""

    plan: Plan
    diffs: Mapping[str, str]
    others: tuple[str, ...]
    overlaid: tuple[str, ...]


def where_of(sandbox: str | None, env: str | None) -> Where:
    """What was named on the command line; the environment's variables name nothing here."""
    from tc.config import choose_env, choose_sandbox, read_config

    config = read_config(Path.cwd())
    return Where(
        choose_sandbox(sandbox) if sandbox else None,
        choose_env(env, config) if env else None,
        config,
    )


def compare(
    run: Run, project: Project, span: Range, where: Where, components: Sequence[str]
) -> Comparison:
    """What changes between the ends of `span`; where that is open, to the files here.

    Raises TcError ``no-version`` when the topology isn't in one of them.
    """
    from tc.build.cache import cache_dir
    from tc.cli.publishing import told_of
    from tc.release.trees import checked_out

    repo = project.repo
    with ExitStack() as stack:

        def side(name: str, sha: str) -> Side:
            root = stack.enter_context(checked_out(repo, sha, cache_dir()))
            stack.enter_context(told_of(name, root))
            return _side(run, project.namespace, name, root, where)

        before = side(span.start_name, span.start) if span.start else None
        if span.open:
            # what is wrong with the files here was told when they were read
            after = _composed(run, project.spec, "the files here", repo.root, where)
        else:
            after = side(span.end_name, span.end)
        return Comparison(
            _plan(before, after, components),
            _diffs(before, after),
            _others(project, span, before, after),
            _overlaid(before, after, where),
        )


def _side(run: Run, namespace: str, name: str, root: Path, where: Where) -> Side:
    from tc.components import sections
    from tc.errors import UsageError
    from tc.load.load import find_service, load

    try:
        directory = find_service(namespace, root).parent
    except UsageError as error:
        raise TcError(
            f"there is no topology `{namespace}` in {name}: {error.message}",
            code="no-version",
            hint="choose another end of the range; `tc changelog` lists the versions",
        ) from None
    loaded = load(directory, sections())
    if loaded.spec is None:
        raise TcError(f"the topology.yml of {name} can't be read", code="no-version")
    return _composed(run, loaded.spec, name, root, where, loaded.findings)


def _composed(
    run: Run, spec: Spec, name: str, root: Path, where: Where, findings: Sequence[Finding] = ()
) -> Side:
    from tc.cli.scopes import scope_of
    from tc.compose.compose import compose
    from tc.deploy.desired import desired_of

    scope = scope_of(spec, where.sandbox, where.environment, where.config, None)
    # both ends have the same, so that a version alone is no difference
    scope = replace(scope, version="{{version}}")
    composed = compose(spec, scope)
    wrong = [one for one in (*findings, *composed.findings) if one.severity == "error"]
    if wrong:
        problems = "a problem" if len(wrong) == 1 else f"{len(wrong)} problems"
        text = f"{name} has {problems} as tc reads it now: {wrong[0].message}"
        run.emit(Event("warning", text, {"code": "invalid", "hint": "", "message": text}))
    resources = desired_of(composed.topology, _facts(composed.topology, root))
    return Side(
        name, root, spec, composed.topology, tuple(_with_code(composed.topology, resources))
    )


def _facts(topology: Topology, root: Path) -> Facts:
    """What files alone tell: values by where they are from, layers by what they are made of."""
    from tc.spec.facts import Facts

    family = topology.family()
    values: dict[str, Secret] = {}
    for part in family:
        for function in part.functions.values():
            values.update(_values(function, root))
    digests = _digests(family)
    layers = {
        part.function_name(name): _layers(function, part.scope.namespace, digests)
        for part in family
        for name, function in part.functions.items()
        if not function.is_image
    }
    return Facts(layers=layers, values=values)


def _values(function: Function, root: Path) -> Iterator[tuple[str, Secret]]:
    """Each reference in the environment: of a file its text, of all others themselves."""
    from tc.spec.fetched import Secret, reference

    for value in function.environment.values():
        found = reference(value)
        if found is None:
            continue
        text = str(found)
        if found.scheme == "file":
            file = root / found.name
            text = file.read_text(errors="replace") if file.is_file() else ""
        yield value, Secret(str(found), text)


def _digests(family: Iterable[Topology]) -> dict[str, str]:
    """The layers that the files ask for: a digest of all they are made of, by name."""
    from tc.build.wanted import wanted

    functions = [
        (part.scope.namespace, function)
        for part in family
        for function in (*part.functions.values(), *part.libraries.values())
    ]
    return {layer.name: layer.digest for layer in wanted(functions)}


def _layers(function: Function, owner: str, digests: Mapping[str, str]) -> tuple[str, ...]:
    from tc.build.wanted import wanted_by

    own = wanted_by(function, owner)
    listed = list(function.layers)
    if own and own.name not in listed:
        listed.insert(0, own.name)
    return tuple(f"{one} ({digests[one][:8]})" if one in digests else one for one in listed)


def _with_code(topology: Topology, resources: Iterable[Resource]) -> Iterator[Resource]:
    """`resources`, where a function's code is a digest of its files."""
    from tc.build.entry import identity

    functions = _functions(topology)
    for resource in resources:
        function = functions.get(resource.key)
        if function is None or function.image_uri:
            yield resource
        else:
            code = identity(_files(function))
            yield replace(resource, props={**resource.props, "code": code})


def _functions(topology: Topology) -> dict[str, Function]:
    """The functions by the keys of their resources."""
    return {
        f"function/{part.function_name(name)}": function
        for part in topology.family()
        for name, function in part.functions.items()
    }


def _files(function: Function) -> list[Entry]:
    """The files of which a function's package is made."""
    from tc.build.entry import Entry
    from tc.build.files import code

    if function.inline:
        text = function.inline.text.encode()
        return [Entry(function.inline.file, False, len(text), lambda: text)]
    return code(function.dir, function.ignore)


def _plan(before: Side | None, after: Side, components: Sequence[str]) -> Plan:
    """What would be done where `before` is deployed, and nothing else."""
    from tc.deploy.pipeline import select, terms
    from tc.plan.plan import make_plan

    found = {one.key: _actual(one) for one in (before.resources if before else ())}
    selection = select(components, after.resources)
    scopes = [part.scope for side in (before, after) if side for part in side.topology.family()]
    return make_plan(after.resources, found, selection, **terms(scopes))


def _actual(resource: Resource) -> Actual:
    from tc.plan.resource import Actual

    return Actual(
        kind=resource.kind,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=resource.owner,
        props=resource.props,
        needs=resource.needs,
        parent=resource.parent,
    )


def _diffs(before: Side | None, after: Side) -> dict[str, str]:
    """The changed files of each function that both have."""
    from tc.build.source_diff import diff_entries

    old = _functions(before.topology) if before else {}
    names = (before.name if before else "", after.name)
    return {
        key: text
        for key, function in _functions(after.topology).items()
        if key in old
        if (text := diff_entries(_files(old[key]), _files(function), names))
    }


def _others(project: Project, span: Range, before: Side | None, after: Side) -> tuple[str, ...]:
    """The changed files of the closure that no field and no function's code shows."""
    from tc.release.closure import closure_of
    from tc.release.text import readable

    if before is None:
        return ()
    closures = [closure_of(side.spec, side.root) for side in (before, after)]
    paths = sorted({path for closure in closures for path in closure.watched})
    changed = set(project.repo.changed(span.start, "" if span.open else span.end, paths))
    if span.open:
        changed |= set(project.repo.dirty(paths))
    told = [place for side in (before, after) for place in _told(side)]
    return tuple(
        readable(path)
        for path in sorted(changed)
        if any(closure.holds(path) for closure in closures)
        and not any(path == place or path.startswith(f"{place}/") for place in told)
    )


def _told(side: Side) -> Iterator[str]:
    """What of a side shows as fields or as code: the files that were read, the functions."""
    root = side.root.resolve()
    functions = [function.dir for function in _functions(side.topology).values()]
    for path in (*side.spec.files, *(one for one in functions if one != side.spec.dir)):
        if path.resolve().is_relative_to(root):
            yield path.resolve().relative_to(root).as_posix()


def _overlaid(before: Side | None, after: Side, where: Where) -> tuple[str, ...]:
    """The envs and sandboxes whose variables differ, and that weren't asked for."""
    chosen = {"default", where.sandbox, where.environment.name if where.environment else None}
    found = []
    for side in (before, after):
        parts = side.spec.family() if side else []
        found.append(
            {
                (part.name, function.name, name): values
                for part in parts
                for function in part.functions.values()
                for name, values in function.vars.items()
                if name not in chosen
            }
        )
    old, new = found
    return tuple(
        sorted({key[2] for key in old.keys() | new.keys() if old.get(key) != new.get(key)})
    )


def markdown(namespace: str, span: Range, found: Comparison) -> str:
    """The plan for a comment."""
    from tc.cli.change import counts, step_data
    from tc.cli.render.markdown import plan_markdown
    from tc.deploy.pipeline import readable

    steps = [step_data(step, found.diffs.get(step.key, "")) for step in readable(found.plan)]
    end = "the files here" if span.open else span.end_name
    title = f"{namespace} from {span.start_name or 'nothing'} to {end}"
    return plan_markdown(title, steps, counts(found.plan))


def tell(run: Run, found: Comparison) -> None:
    """The plan as `tc diff` shows it, and what else differs."""
    from tc.cli.change import tell_plan

    tell_plan(run, found.plan, found.diffs)
    if found.others:
        more = len(found.others) - _SHOWN
        listed = ", ".join(found.others[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        run.result(f"Also changed: {listed}", files=list(found.others))
    for name in found.overlaid:
        text = f"What overlays say of `{name}` differs too: -e {name} or -s {name} shows it"
        run.result(text, overlay=name)
