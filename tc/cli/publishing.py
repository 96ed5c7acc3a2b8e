"""A version to what is kept of it: built from its tag's own files, and put into the bucket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.releasing import Place
    from tc.cli.run import Run, Target
    from tc.components.protocol import Aws
    from tc.publish.manifests import Content
    from tc.release.versions import Released
    from tc.spec.artifact import Artifact
    from tc.spec.function import Function
    from tc.spec.layer import BuiltLayer
    from tc.spec.manifest import Manifest
    from tc.spec.topology import Topology


@contextmanager
def opened(run: Run, place: Place, namespace: str, released: Released) -> Iterator[Target]:
    """The topology as the tag has it, in a working tree of its own for as long as the body runs."""
    from tc.build.cache import cache_dir
    from tc.cli.run import Tree, open_tree
    from tc.load.load import find_service
    from tc.release.git import Repo
    from tc.release.trees import checked_out

    repo = Repo.find(Path.cwd())
    run.closing.append(repo.running.stop)
    run.log(f"Checking out {released.tag}...")
    with checked_out(repo, released.sha, cache_dir()) as root, told_of(released.tag, root):
        directory = find_service(namespace, root).parent
        tree = Tree(directory, str(released.version), released.sha, root.name)
        # what the files are warned of is told when they are deployed
        quiet = replace(run, document=True)
        yield open_tree(quiet, tree, place.sandbox, place.environment, place.config, place.aws)


def as_of(tag: str, root: Path) -> Callable[[str], str]:
    """What to call the files below `root` in a text: ``etl-0.1.4:etl/topology.yml``."""

    def named(text: str) -> str:
        return text.replace(f"{root}/", f"{tag}:").replace(f"{root.resolve()}/", f"{tag}:")

    return named


@contextmanager
def told_of(tag: str, root: Path) -> Iterator[None]:
    """Tells files of a working tree that is gone afterwards as git names those of a tag:
    ``etl-0.1.4:etl/topology.yml``."""
    from tc.errors import InvalidInput, TcError

    named = as_of(tag, root)
    try:
        yield
    except InvalidInput as error:
        problems = [replace(one, file=named(one.file)) for one in error.problems]
        raise InvalidInput(problems) from error
    except TcError as error:
        error.where, error.message = named(error.where), named(error.message)
        raise


def publish(run: Run, place: Place, target: Target, released: Released) -> Manifest:
    """Builds the version and writes it to the source of truth; what is there then."""
    from tc import __version__
    from tc.load.find import git_root
    from tc.release.closure import closure_of
    from tc.release.sources import pack
    from tc.spec.manifest import Layer, Manifest, Package

    root = git_root(target.spec.dir)
    assert root
    artifacts = _packages(run, target)
    layers = _layers(run, place, target)
    sources = pack(root, closure_of(target.spec, root))
    topology = anywhere(target)
    manifest = Manifest(
        namespace=target.spec.name,
        version=str(released.version),
        tag=released.tag,
        sha=released.sha,
        repo=root.name,
        directory=target.spec.dir.resolve().relative_to(root).as_posix(),
        sources=hashlib.sha256(sources).hexdigest(),
        local=target.environment.local,
        functions={key: Package.of(artifact) for key, artifact in artifacts.items()},
        layers={name: Layer.of(found.layer) for name, found in layers.items()},
        images=_images(run, target),
        flows=_flows(topology),
        topology=_resolved(topology),
        by=target.scope.updated_by,
        at=_now(),
        tc_version=__version__,
    )
    contents: dict[str, Content] = {
        manifest.sources_key: lambda: sources,
        **{artifact.key: artifact.path for artifact in artifacts.values()},
    }
    for found in layers.values():
        contents |= found.contents
    return place.versions.publish(manifest, contents, run.emit)


def names_of(topology: Topology) -> dict[str, str]:
    """What functions are called in manifests, by their names on AWS."""
    return {
        part.function_name(name): f"{part.scope.namespace}/{name}"
        for part in topology.family()
        for name in part.functions
    }


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def functions_of(topology: Topology) -> dict[str, Function]:
    """Every function by its name on AWS."""
    return {
        part.function_name(name): function
        for part in topology.family()
        for name, function in part.functions.items()
    }


def _packages(run: Run, target: Target) -> dict[str, Artifact]:
    from tc.cli.change import packager

    zipped = {name: f for name, f in functions_of(target.topology).items() if not f.is_image}
    called = names_of(target.topology)
    made = packager(run, target)(zipped)
    return {called[name]: artifact for name, artifact in made.items()}


def _images(run: Run, target: Target) -> dict[str, str]:
    from tc.cli.images import find_images

    functions = functions_of(target.topology).items()
    built = {name: f for name, f in functions if f.is_image and not f.image_uri}
    called = names_of(target.topology)
    found = find_images(run, target, built) if built else {}
    return {called[name]: uri for name, uri in found.items()}


def _flows(topology: Topology) -> dict[str, str]:
    """The digests (hex) of the definitions, as the topology has them without an account."""
    return {
        f"{part.scope.namespace}/{name}": _digest(flow.definition)
        for part in topology.family()
        for name, flow in part.flows.items()
    }


def _digest(definition: Mapping[str, Any]) -> str:
    text = json.dumps(definition, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _resolved(topology: Topology) -> list[dict[str, Any]]:
    """All that is deployed, with templates for what differs from env to env; no variable."""
    from tc.cli.change import shown
    from tc.deploy.desired import desired_of
    from tc.spec.facts import Facts

    things = [
        {
            "kind": one.kind,
            "key": one.key,
            "name": one.name,
            "props": {path: shown(path, value) for path, value in one.props.items()},
        }
        for one in desired_of(topology, Facts())
    ]
    found: list[dict[str, Any]] = json.loads(json.dumps(things, default=str))
    return found


def anywhere(target: Target) -> Topology:
    """The topology of `target` without a sandbox, an env or an account."""
    from tc.compose.compose import compose
    from tc.spec.scope import Scope

    unknown = Scope(namespace=target.spec.name)
    names = ("sandbox", "env", "account", "region", "partition")
    scope = replace(
        target.scope,
        **{name: getattr(unknown, name) for name in names},
        updated_by="",
        tags=target.spec.tags,
    )
    return compose(target.spec, scope).topology


@dataclass(frozen=True, slots=True)
class _Found:
    """A layer of the version, and its bodies by their keys."""

    layer: BuiltLayer
    contents: Mapping[str, Content]


def _layers(run: Run, place: Place, target: Target) -> dict[str, _Found]:
    """The layers that functions of `target` get by their names: those that are published as the
    files ask, else built now."""
    from tc.build.layer import build_layers
    from tc.cli.layers import Layers, tools_of
    from tc.publish.part import key_of

    source = Layers(run, target, place.config)
    functions = {name: f for name, f in functions_of(target.topology).items() if not f.is_image}
    own = source.buildable(functions).layers
    door = source.door()
    listed = _listed(functions.values()) - own.keys()
    digests = {name: layer.digest for name, layer in own.items()} | dict.fromkeys(listed, "")
    looked = door.map(lambda one: _published(door, place, *one), digests.items())
    found = {name: one for name, one in zip(digests, looked, strict=True) if one}
    missing = [source.wanted[name] for name in own if name not in found]
    tools = tools_of(run, place.config)
    for layer in build_layers(missing, tools, place.config.layers.part_size):
        bodies: dict[str, Content] = {key_of(part.sha256): part.path for part in layer.parts}
        found[layer.name] = _Found(layer, bodies)
    return found


def _listed(functions: Iterable[Function]) -> set[str]:
    """The layers that are listed by a name alone, so that their newest version is meant."""
    from tc.spec.fetched import is_reference

    return {
        layer
        for function in functions
        for layer in function.layers
        if ":" not in layer and not is_reference(layer)
    }


def _published(door: Aws, place: Place, name: str, digest: str) -> _Found | None:
    """The layer as it is published, if its bodies are kept; of `digest`, where that is empty the
    one that stable sandboxes get."""
    from tc.publish.bucket import Bucket
    from tc.publish.layers import as_built
    from tc.publish.part import key_of
    from tc.publish.versions import marked, newest
    from tc.spec.layer import STABLE

    if digest:
        there = marked(door, name, digest)
    else:
        there = newest(door, name + STABLE) or newest(door, name)
    if there is None or there.mark is None:
        return None
    layer = as_built(door, name, there, there.mark, door.region)
    bucket = Bucket(door, place.config.artifacts.bucket)
    keys = [key_of(part.sha256) for part in layer.parts]
    if bucket.lacks(keys):
        return None
    return _Found(layer, {key: partial(bucket.get, key) for key in keys})


def wanted_layers(run: Run, place: Place, target: Target) -> dict[str, str]:
    """The digests of the layers that the files of `target` ask for, by their names."""
    from tc.cli.layers import Layers

    functions = {name: f for name, f in functions_of(target.topology).items() if not f.is_image}
    own = Layers(run, target, place.config).buildable(functions).layers
    return {name: layer.digest for name, layer in own.items()}
