"""What a version's functions are made of, taken from its manifest: nothing is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tc.errors import TcError

if TYPE_CHECKING:
    from tc.cli.change import Made
    from tc.cli.releasing import How, Place
    from tc.cli.run import Run, Target
    from tc.deploy.layers import LayerSource
    from tc.spec.artifact import Artifact
    from tc.spec.function import Function
    from tc.spec.manifest import Manifest


def made_of(run: Run, target: Target, place: Place, manifest: Manifest, how: How) -> Made:
    """The packages, images and layers that a manifest names."""
    from tc.cli.change import Made
    from tc.cli.publishing import names_of

    called = names_of(target.topology)

    def package(functions: Mapping[str, Function]) -> Mapping[str, Artifact]:
        lacking = [name for name in functions if called[name] not in manifest.functions]
        if lacking:
            raise _incomplete(manifest, lacking)
        return {name: manifest.functions[called[name]].artifact for name in functions}

    def images(functions: Mapping[str, Function]) -> Mapping[str, str]:
        lacking = [name for name in functions if called[name] not in manifest.images]
        if lacking:
            raise _incomplete(manifest, lacking)
        wanted = [manifest.images[called[name]] for name in functions]
        found = place.aws.map(lambda uri: image_at(place, uri), wanted)
        return dict(zip(functions, found, strict=True))

    return Made(package, images, _layers_of(run, target, place, manifest, how))


def image_at(place: Place, uri: str) -> str:
    """The address of an image in the target's registry, where that has a copy; else where it
    was."""
    from tc.publish.images import Images, place_of

    host, _, rest = uri.partition("/")
    repository, _, digest = rest.partition("@")
    own = place_of(place.aws, place.config.builder.registry)
    if own is None or own.host == host:
        return uri
    registry = Images(place.aws, own)
    return registry.uri(repository, digest) if registry.has(repository, digest) else uri


def _incomplete(manifest: Manifest, functions: Sequence[str]) -> TcError:
    return TcError(
        f"the manifest of {manifest.namespace} {manifest.version} has no package of "
        f"{', '.join(functions)}: tc {manifest.tc_version} wrote it and read the files otherwise",
        code="bad-manifest",
        where=manifest.key,
        hint=f"deploy it with tc {manifest.tc_version}, or release the commit anew",
    )


def _layers_of(run: Run, target: Target, place: Place, manifest: Manifest, how: How) -> LayerSource:
    """The version's own layers, published from their bodies where they are missing."""
    from tc.cli import gates
    from tc.cli.layers import Layers, layer_source
    from tc.publish.bucket import Bucket
    from tc.publish.layers import carry_out, plan
    from tc.publish.part import key_of

    config, own = place.config, Layers(run, target, place.config)

    def publish(names: Sequence[str]) -> None:
        gates.check(target, how.kind)
        aws = own.door()
        built = [manifest.layers[name].built(name) for name in names]
        bucket = Bucket(aws, config.artifacts.bucket)
        keys = [key_of(part.sha256) for layer in built for part in layer.parts]
        bucket.ensure()
        for key in bucket.lacks(keys):
            bucket.put(key, place.versions.fetch(key), again=True)
        steps = plan(aws, built, [aws.region])
        carry_out(aws, steps, config.artifacts.bucket, config.layers.share, run.emit)

    return replace(
        layer_source(run, target, write=False),
        central=own.door if own.apart else None,
        publish=None if how.dry_run else publish,
        exact={name: layer.digest for name, layer in manifest.layers.items()},
    )
