"""A version to where it runs: what `deploy`, `release`, `promote` and `rollback` share.

::

    tag ──► its own files ──► packages, layers, sources, manifest ──► the bucket that is the truth
    manifest ──► the target's bucket ──► composed for the env ──► the plan of `tc create`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tc.errors import TcError
from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from tc.aws.session import Aws
    from tc.cli.run import Run, Target
    from tc.config import Config, Environment
    from tc.deploy.canary import Canary
    from tc.deploy.releases import Kind
    from tc.publish.manifests import Versions
    from tc.release.versions import Released
    from tc.spec.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Place:
    """A sandbox in an env, the door to that, and the versions that can be brought there."""

    sandbox: str
    environment: Environment
    aws: Aws
    config: Config
    versions: Versions


@dataclass(frozen=True, slots=True)
class How:
    """How a version is brought: by which command, and what was said to that.

    `again` is the whole command to go on with.
    """

    kind: Kind
    again: str
    dry_run: bool = False
    adopt: bool = False
    purge: bool = False
    canary: Canary | None = None


def open_place(
    run: Run,
    *,
    env: str | None,
    sandbox: str | None,
    region: str | None,
    origins: Sequence[str] = (),
) -> Place:
    """The sandbox, by default the one of config.yml's `release`; `origins` are further envs whose
    buckets may have a version."""
    from tc.cli.run import open_aws
    from tc.config import check_region, choose_env, choose_sandbox, read_config

    config = read_config(Path.cwd())
    environment = choose_env(env, config)
    name = choose_sandbox(sandbox or config.release.sandbox)
    check_region(region)
    aws, environment = open_aws(run, environment, region)
    versions = versions_of(run, config, environment, aws, origins)
    return Place(name, environment, aws, config, versions)


def versions_of(
    run: Run, config: Config, environment: Environment, aws: Aws, origins: Sequence[str] = ()
) -> Versions:
    """The buckets in which versions are looked for."""
    from tc.cli import accounts
    from tc.cli.run import open_aws
    from tc.config import choose_env
    from tc.publish.bucket import Bucket
    from tc.publish.manifests import Shelf, Versions

    def shelf(aws: Aws) -> Shelf:
        return Shelf(aws, Bucket(aws, config.artifacts.bucket))

    def elsewhere(env: str) -> Callable[[], Shelf]:
        return lambda: shelf(open_aws(run, choose_env(env, config), None)[0])

    central = config.artifacts.env
    apart = central not in ("", environment.name) and not environment.local
    others = [one for one in dict.fromkeys(origins) if one not in (environment.name, central)]
    return Versions(
        shelf(aws),
        (lambda: shelf(accounts.central(run, config, "artifacts", None))) if apart else None,
        [elsewhere(one) for one in others],
    )


def service_name(service: str | None) -> str:
    """The topology's name: the given one, else that of the topology here.

    Raises UsageError when none is given and none is here.
    """
    from tc.errors import UsageError
    from tc.load.load import find_topology
    from tc.spec.names import NAME

    if service is None:
        from tc.load.find import name_of

        return name_of(find_topology(Path.cwd()))
    if not NAME.match(service):
        raise UsageError(f"`{service}` can't be the name of a topology", code="no-topology")
    return service


def deploy(run: Run, place: Place, namespace: str, version: str | None, how: How) -> None:
    """Brings a version (0.1.4; None for the latest) to `place`, or only tells the plan.

    What was published before is taken as it is, also without its tag; else it is built.
    """
    released, absent = _released(namespace, checked(version))
    if released:
        deploy_released(run, place, namespace, released, how)
        return
    assert absent
    manifest = place.versions.find(namespace, version) if version else None
    if manifest is None:
        raise _nowhere(absent, place, namespace, version)
    bring(run, place, manifest, how)


def checked(version: str | None) -> str | None:
    """`version` as it was given, which an empty variable of a script isn't; None where it wasn't.
    Raises UsageError for what is none."""
    from tc.release.versions import parse

    if version is not None:
        parse(version)
    return version


def deploy_released(run: Run, place: Place, namespace: str, released: Released, how: How) -> None:
    """Brings the version of a tag to `place`, or only tells the plan; it is built where it wasn't
    published before."""
    from tc.publish.manifests import refuse_other

    manifest = place.versions.find(namespace, str(released.version))
    if manifest:
        refuse_other(manifest, released.sha)
    else:
        manifest = _built(run, place, namespace, released, how)
    if manifest:
        bring(run, place, manifest, how)


def manifest_of(place: Place, namespace: str, version: str) -> Manifest:
    """The manifest of a version; raises TcError ``not-published`` when no bucket has it."""
    found = place.versions.find(namespace, version)
    if found is None:
        names = ", ".join(place.versions.names(namespace)[-5:]) or "none"
        raise TcError(
            f"{namespace} {version} is no longer in the bucket, or was never published; there: "
            f"{names}",
            code="not-published",
            where=place.versions.here.name,
            hint=f"build it from its tag: tc deploy --service {namespace} --version {version} "
            f"-s {place.sandbox} -e {place.environment.name}",
        )
    return found


def _released(namespace: str, version: str | None) -> tuple[Released | None, TcError | None]:
    """The version's tag, or why there is none; a version that was published needs no git."""
    from tc.release.git import Repo
    from tc.release.versions import find_version, versions_of

    try:
        repo = Repo.find(Path.cwd())
        if version:
            return find_version(repo, namespace, version), None
        known = versions_of(repo, namespace)
    except TcError as error:
        if error.exit_code != 1:
            raise
        return None, error
    if known:
        whole = [one for one in known if not one.version.prerelease]
        return (whole or known)[-1], None
    return None, TcError(
        f"there is no version of `{namespace}` here",
        code="missing-version",
        where=str(repo.root),
        hint=f"git fetch --tags, or make one: tc tag --service {namespace} --next minor",
    )


def _nowhere(absent: TcError, place: Place, namespace: str, version: str | None) -> TcError:
    """Why a version can't be deployed, with those that can; `absent` is why it can't be built."""
    names = sorted(place.versions.names(namespace), key=_order)
    if not names:
        return absent
    text = absent.message
    if version:
        text = f"{namespace} {version} was never published, and can't be built here: {text}"
    hint = f"{absent.hint}; published are {', '.join(names[-5:])}"
    return TcError(text, code=absent.code, where=absent.where, hint=hint)


def _order(version: str) -> tuple[bool, object]:
    """As semantic versioning orders versions."""
    from tc.release.versions import Version

    return (True, Version.parse(version)) if Version.is_valid(version) else (False, version)


def _built(run: Run, place: Place, namespace: str, released: Released, how: How) -> Manifest | None:
    """The version, built and published now; in a dry run its plan is told, and it is None."""
    from tc.cli import gates
    from tc.cli.change import Made, bring_about, image_finder, packager
    from tc.cli.layers import layer_source
    from tc.cli.notices import telling
    from tc.cli.publishing import opened, publish, wanted_layers

    with opened(run, place, namespace, released) as target:
        if not how.dry_run:
            with telling(run, target, how.kind):
                gates.check(target, how.kind)
                return publish(run, place, target, released)
        layers = replace(
            layer_source(run, target, write=False), exact=wanted_layers(run, place, target)
        )
        made = Made(packager(run, target), image_finder(run, target), layers)
        _tell(run, target)
        bring_about(
            run,
            target,
            [],
            dry_run=True,
            adopt=how.adopt,
            purge=how.purge,
            command=how.kind,
            made=made,
        )
        return None


def bring(run: Run, place: Place, manifest: Manifest, how: How) -> None:
    """Makes the sandbox what the version says, or only tells the plan; nothing is built."""
    from tc.build.cache import cache_dir, staging
    from tc.cli import gates
    from tc.cli.change import bring_about
    from tc.cli.from_manifest import made_of
    from tc.cli.notices import telling
    from tc.cli.publishing import as_of, told_of
    from tc.cli.run import Tree, open_tree
    from tc.release.sources import unpack

    with staging(cache_dir()) as room, told_of(manifest.tag, room / manifest.repo):
        root = room / manifest.repo
        unpack(place.versions.sources(manifest), root)
        directory, named = root / manifest.directory, as_of(manifest.tag, root)
        tree = Tree(directory, manifest.version, manifest.sha, manifest.repo, named)
        target = open_tree(run, tree, place.sandbox, place.environment, place.config, place.aws)
        _tell(run, target)
        with telling(run, target, how.kind, dry_run=how.dry_run):
            if not (how.dry_run or place.versions.holds(manifest)):
                gates.check(target, how.kind)
                place.versions.bring(manifest, run.emit)
            made = made_of(run, target, place, manifest, how)
        with _recorded(run, place, manifest, how):
            bring_about(
                run,
                target,
                [],
                dry_run=how.dry_run,
                adopt=how.adopt,
                purge=how.purge,
                command=how.kind,
                made=made,
                go_on=how.again,
                canary=how.canary,
            )


def _tell(run: Run, target: Target) -> None:
    functor = target.scope.functor
    run.emit(Event("functor", f"Initializing functor: {functor}", {"functor": functor}))


@contextmanager
def _recorded(run: Run, place: Place, manifest: Manifest, how: How) -> Iterator[None]:
    """Keeps what became of the body: that it ended well, or that it did not after something was
    changed; nothing of a dry run."""
    from datetime import UTC, datetime

    from tc.deploy.releases import history, live

    begun, written = datetime.now(UTC), place.aws.written
    try:
        yield
    except BaseException as error:
        if place.aws.written > written and not how.dry_run:
            try:
                _fail(place, manifest, begun, refused=_refused(error))
            except TcError as unkept:
                _warn(run, unkept)
        raise
    if how.dry_run:
        return
    if place.aws.written == written:
        # a run that was stopped before it wrote this did all else
        records = history(place.versions.here, manifest.namespace, place.sandbox)
        last = live(records)
        if last and last is records[-1] and last.version == manifest.version:
            return
    _write(place, manifest, how.kind, begun)


def _refused(error: BaseException) -> bool:
    """Whether it came before the first change of the sandbox; a hook may be the one after all."""
    return isinstance(error, TcError) and error.code != "hook-failed"


def _fail(place: Place, manifest: Manifest, begun: datetime, *, refused: bool) -> None:
    """Keeps that a deploy failed; one that was refused was none."""
    from tc.deploy.releases import history

    if not refused:
        _write(place, manifest, "failed", begun)
        return
    records = history(place.versions.here, manifest.namespace, place.sandbox)
    mine = (one for one in records if (one.kind, one.version) == ("begun", manifest.version))
    place.versions.here.delete(one.key for one in mine if one.at >= begun)


def _write(place: Place, manifest: Manifest, kind: Kind, begun: datetime) -> None:
    from datetime import UTC, datetime

    from tc.config.actor import actor
    from tc.deploy.releases import Record, write

    now = datetime.now(UTC)
    record = Record(
        manifest.namespace,
        place.sandbox,
        manifest.version,
        kind,
        now,
        manifest.key,
        manifest.sha,
        actor(),
        round((now - begun).total_seconds(), 3),
    )
    write(place.versions.here, record)


def _warn(run: Run, error: TcError) -> None:
    text = f"the deploy couldn't be recorded: {error.message}"
    run.emit(Event("warning", text, {"code": error.code, "message": text, "hint": error.hint}))


def each(run: Run, tasks: Mapping[str, Callable[[], object]]) -> None:
    """Does every one of `tasks`, by what they are called; a failure of one is told and hides no
    other. Raises typer.Exit 1 when one failed."""
    failed = []
    for name, task in tasks.items():
        try:
            task()
        except typer.Exit as end:
            if end.exit_code == 130:
                raise
            failed += [name] if end.exit_code else []
        except TcError as error:
            run.printer.error(error)
            failed.append(name)
    if failed:
        text = f"Failed: {', '.join(failed)}; done: {len(tasks) - len(failed)} of {len(tasks)}"
        run.emit(Event("log", text, {"text": text, "failed": failed}))
        raise typer.Exit(1)
