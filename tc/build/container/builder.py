"""The image that things are built in: Dockerfile.builder upon a base, built once for each base."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tc.build.commands import masked
from tc.build.container.client import disk_full, explained, foreign_cpu, is_full
from tc.build.container.steps import StepError, followed, told
from tc.errors import TcError
from tc.events import Emit, Event
from tc.processes import Running
from tc.spec.layer import Platform

#: what every container, image and volume of builds is labelled with
LABEL = "tc"
#: CPU as Lambda calls it -> as containers do
CPUS = {"x86_64": "amd64", "arm64": "arm64"}
#: where AWS publishes its images (Amazon ECR Public Gallery, aliases `lambda` and `sam`)
_PUBLIC = "public.ecr.aws"
_DOCKERFILE = "Dockerfile.builder"


def base_image(platform: Platform, images: Mapping[str, str]) -> str:
    """The base to build on: what `images` says of the runtime, else AWS's build image."""
    written = chosen(platform, images)
    return written or f"{_PUBLIC}/sam/build-{_image_name(platform.runtime)}:latest-{platform.arch}"


def runtime_image(platform: Platform, images: Mapping[str, str]) -> str:
    """The image that is like Lambda: what `images` says of the runtime, else AWS's own."""
    if written := chosen(platform, images):
        return written
    name = _image_name(platform.runtime)
    language = name.rstrip("0123456789.x")
    if language.startswith("provided"):
        return f"{_PUBLIC}/lambda/provided:{platform.runtime.partition('.')[2]}-{platform.arch}"
    version = platform.runtime.removeprefix(language).removesuffix(".x")
    return f"{_PUBLIC}/lambda/{language}:{version}-{platform.arch}"


def chosen(platform: Platform, images: Mapping[str, str]) -> str:
    """The image that config.yml names for the runtime on its CPU, else for the runtime."""
    exact = f"{platform.runtime}-{platform.arch}"
    return images.get(exact) or images.get(platform.runtime, "")


def _image_name(runtime: str) -> str:
    """A runtime as AWS names its images: nodejs22.x as it is, Go and Rust on the bare system."""
    return runtime or "provided.al2023"


def dockerfile() -> str:
    """Beside the package in an installation, at the top of a checkout."""
    inside = Path(__file__).with_name(_DOCKERFILE)
    path = inside if inside.exists() else Path(__file__).parents[3] / _DOCKERFILE
    return path.read_text()


def builder_image(
    client: Any, platform: Platform, images: Mapping[str, str], emit: Emit, running: Running
) -> str:
    """The id of the image to build in, made now where it is missing.

    Raises TcError ``no-builder`` when its base can't be had.
    """
    base = base_image(platform, images)
    found = available(client, base, platform, emit, running, setting="builder.images")
    text = dockerfile()
    digest = hashlib.sha256(f"{text}\0{found.id}".encode()).hexdigest()[:12]
    tag = f"tc-builder:{digest}"
    known = _present(client, tag)
    if known is not None:
        return tag
    what = f"making the builder of {base}"
    emit(Event("progress", f"Making the builder image of {base}", {"what": "builder image"}))
    build = partial(
        client.api.build,
        fileobj=_context(text),
        custom_context=True,
        tag=tag,
        buildargs={"BASE": found.id},
        labels={LABEL: "builder"},
        network_mode="default",
        use_config_proxy=True,
        rm=True,
        forcerm=True,
        decode=True,
    )
    with explained(what, base, platform.arch):
        told(build, what, base, platform.arch, emit, running)
    return tag


def _context(text: str) -> io.BytesIO:
    """A build context with nothing but the Dockerfile."""
    body = text.encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(body)
        tar.addfile(info, io.BytesIO(body))
    archive.seek(0)
    return archive


def available(
    client: Any,
    image: str,
    platform: Platform,
    emit: Emit,
    running: Running,
    *,
    setting: str = "",
) -> Any:
    """`image` for the CPU of `platform`, pulled where the engine lacks it.

    `setting` of config.yml is where another one can be named.
    """
    from docker.errors import APIError

    known = _present(client, image)
    if known is not None and _fits(known, platform):
        return known
    what = f"pulling {image}"
    emit(Event("progress", f"Pulling {image}", {"what": what}))
    name, tag = _split(image)
    cpu = f"linux/{CPUS[platform.arch]}"
    pull = partial(client.api.pull, name, tag=tag, stream=True, decode=True, platform=cpu)
    try:
        with explained(what, image, platform.arch, refusals=False):
            followed(pull, what, emit, running)
    except (APIError, StepError) as error:
        if known is not None:
            raise foreign_cpu(image, platform.arch) from error
        raise _unpulled(error, image, platform, setting) from error
    pulled = _present(client, image)
    if pulled is None or not _fits(pulled, platform):
        raise foreign_cpu(image, platform.arch)
    return pulled


def _unpulled(error: Exception, image: str, platform: Platform, setting: str) -> TcError:
    why = str(getattr(error, "explanation", None) or error).strip().splitlines()[0].rstrip(".")
    if is_full(why):
        return disk_full(f"pulling {image}")
    return TcError(
        f"the image `{image}` can't be pulled: {masked(why)}",
        code="no-builder",
        where=image,
        hint=f"docker pull {image}"
        + (f", or name another: `{setting}: {{{platform.runtime}: IMAGE}}`" if setting else ""),
    )


def _split(image: str) -> tuple[str, str]:
    """A name and its tag or digest; a registry's port is no tag."""
    if "@" in image:
        name, _, digest = image.partition("@")
        return name, digest
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")


def _present(client: Any, image: str) -> Any:
    from docker.errors import ImageNotFound

    with explained(f"looking for {image}", image):
        try:
            return client.images.get(image)
        except ImageNotFound:
            return None


def _fits(image: Any, platform: Platform) -> bool:
    return bool(image.attrs.get("Architecture") in (CPUS[platform.arch], platform.arch))
