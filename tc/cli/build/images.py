"""``tc build --kind image``: functions that are container images, and their registry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.build.images import BuiltImage, Image, Registry
    from tc.cli.build import Build
    from tc.errors import TcError
    from tc.publish.images import Images

_WORKERS = 4


def build_images(build: Build) -> None:
    """Makes the image of each chosen function that is one, at once, and pushes those that the
    registry lacks. Raises UsageError when they'd go to the local engine."""
    wanted = _wanted(build)
    if not wanted:
        return
    target = _Target(build) if build.publish else None
    if build.dry_run:
        _plan(build, wanted, target)
        return
    failures: dict[str, TcError] = {}
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="image") as pool:
        futures = {label: pool.submit(_one, build, wanted[label], target) for label in wanted}
        try:
            for label, future in futures.items():
                _told(build, label, future.result, failures)
        except BaseException:
            build.tools.running.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    build.failures.extend(failures.values())


def _told(
    build: Build,
    label: str,
    result: Callable[[], tuple[_Made, str, float]],
    failures: dict[str, TcError],
) -> None:
    from tc.cli.build import Made
    from tc.errors import TcError

    try:
        made, published, seconds = result()
    except TcError as error:
        failures[label] = error
        return
    build.tell(
        Made(
            "image",
            made.name,
            (label,),
            made.size,
            0,
            cached=made.cached,
            why=made.why,
            seconds=seconds,
            published=(published,) if published else (),
        )
    )


def _wanted(build: Build) -> dict[str, Image]:
    """The images to make: not those of functions whose vars name one for everywhere."""
    wanted = {
        label: function
        for label, function in build.functions.items()
        if function.is_image and "image_uri" not in function.vars.get("default", {})
    }
    if not wanted:
        return {}
    from tc.build.images import image_of

    return {
        label: image_of(function, build.namespace(label), build.config.builder.runtime_images)
        for label, function in wanted.items()
    }


class _Made:
    """What became of one image: `size` in bytes, 0 where it wasn't needed here."""

    def __init__(self, name: str, size: int, *, cached: bool, why: str = ""):
        self.name, self.size, self.cached, self.why = name, size, cached, why


def _one(build: Build, image: Image, target: _Target | None) -> tuple[_Made, str, float]:
    """Made, pushed where it must be; its address by digest."""
    from tc.build.images import build_image

    begun = time.monotonic()
    address = target.published(image) if target else ""
    if address:
        return _Made(image.name, 0, cached=True), address, 0.0
    built = build_image(image, build.config.builder.runtime_images, build.tools)
    if target:
        address = target.push(built)
        build.sent.append(image.name)
    why = "the registry lacked it" if address and built.cached else ""
    made = _Made(image.name, built.size, cached=built.cached and not address, why=why)
    return made, address, time.monotonic() - begun


def _plan(build: Build, wanted: Mapping[str, Image], target: _Target | None) -> None:
    from tc.cli.build.tell import would_build

    for image in wanted.values():
        if target and target.published(image):
            continue
        detail = f"for {target.host}" if target else ""
        would_build(build, "image", image.name, detail)


class _Target:
    """The registry that images are pushed to: ECR, or the one that `builder.registry` names."""

    def __init__(self, build: Build):
        from tc.errors import UsageError
        from tc.publish.images import Images, place_of

        self._build = build
        self._images: Images | None = None
        self.host = build.config.builder.registry
        environment = build.environment(build.config.artifacts.env)
        if environment.local:
            raise UsageError(
                "the local engine can't run functions that are images",
                code="local-image",
                where="-e local",
                hint="publish them to an AWS account: -e ENV",
            )
        aws = build.aws(environment)
        place = place_of(aws, self.host)
        if place is not None:
            self.host = place.host
            self._images = Images(aws, place)

    def published(self, image: Image) -> str:
        """The address of the image when the registry has just this one under both tags."""
        from tc.build.images import Registry, digest_in

        tags = tuple(dict.fromkeys((image.digest_tag, image.tag)))
        if self._images is None:
            there = Registry(self.host)
            digests = {digest_in(there, image.repository, tag) for tag in tags}
        else:
            found = self._images.find(image.repository, tags)
            digests = {found.get(tag, "") for tag in tags}
        digest = digests.pop()
        return f"{self.host}/{image.repository}@{digest}" if digest and not digests else ""

    def push(self, built: BuiltImage) -> str:
        from tc.build.images import push_image

        image = built.image
        registry = self._registry(image)
        digest = push_image(built, registry, self._build.tools)
        return f"{registry.host}/{image.repository}@{digest}"

    def _registry(self, image: Image) -> Registry:
        """The registry, with the repository in it."""
        from tc.build.images import Registry

        if self._images is None:
            # docker's own login
            return Registry(self.host)
        build = self._build
        self._images.ensure(
            image.repository,
            image.owner,
            named=bool(image.function.build.image_name),
            tags={**build.config.tags, "deployer": "tc"},
            adopt=build.adopt,
        )
        accounts = [one.account for one in build.config.envs.values() if one.account]
        if build.config.artifacts.env:
            self._images.share(image.repository, accounts)
        return Registry(self.host, self._images.login())
