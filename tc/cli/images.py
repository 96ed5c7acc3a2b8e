"""The images that functions are deployed with, where tc builds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.build.images import Image
    from tc.cli.run import Run, Target
    from tc.errors import TcError
    from tc.spec.function import Function


def find_images(run: Run, target: Target, functions: Mapping[str, Function]) -> dict[str, str]:
    """The address of each function's image, by its digest: that of `build.version`, else that of
    the files as they are. One call for each image.

    Raises TcError ``no-image`` for those that the registry lacks.
    """
    from tc.build.images import image_of
    from tc.cli.accounts import central
    from tc.config import read_config
    from tc.errors import TcError
    from tc.publish.images import Images, place_of

    config = read_config(Path.cwd())
    aws = target.aws
    if config.artifacts.env not in ("", target.environment.name):
        aws = central(run, config, "artifacts", target.aws.region)
    place = place_of(aws, config.builder.registry)
    if place is None:
        raise TcError(
            f"Lambda takes images from Amazon ECR alone, not from `{config.builder.registry}`",
            code="no-image",
            where="builder.registry",
            hint="take `builder.registry` out, or write `image_uri` in the functions' vars",
        )
    registry = Images(aws, place)
    owners = {
        part.function_name(name): part.scope.namespace
        for part in target.topology.family()
        for name in part.functions
    }
    images = {
        name: image_of(function, owners[name], config.builder.runtime_images)
        for name, function in functions.items()
    }
    found = dict(
        zip(
            images,
            aws.map(lambda one: registry.find(one.repository, [one.tag]), images.values()),
            strict=True,
        )
    )
    absent = [image for name, image in images.items() if image.tag not in found[name]]
    if absent:
        raise _absent(absent, place.host)
    return {
        name: registry.uri(image.repository, found[name][image.tag])
        for name, image in images.items()
    }


def _absent(images: Sequence[Image], host: str) -> TcError:
    from tc.errors import TcError
    from tc.publish.images import missing

    errors = [missing(image.function.name, image.name, host) for image in images]
    if len(errors) == 1:
        return errors[0]
    return TcError(
        "these images aren't there:\n  " + "\n  ".join(str(error) for error in errors),
        code="no-image",
        where=host,
        hint="tc build --kind image --publish",
    )
