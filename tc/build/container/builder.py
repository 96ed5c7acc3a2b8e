"""The image that things are built in: Dockerfile.builder upon a base, built once for each base."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tc.build.commands import masked
from tc.build.container.client import disk_full, explained, foreign_cpu
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
#: lines of output that an error tells
_TAIL = 30
#: what the engine says of its own doing
_NOISE = ("--->", "Removing intermediate container")
#: colours and cursor movements of a terminal (ECMA-48 control sequences)
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


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
    found = available(client, base, platform, emit, setting="builder.images")
    text = dockerfile()
    digest = hashlib.sha256(f"{text}\0{found.id}".encode()).hexdigest()[:12]
    tag = f"tc-builder:{digest}"
    known = _present(client, tag)
    if known is not None:
        return tag
    what = f"making the builder of {base}"
    emit(Event("progress", f"Making the builder image of {base}", {"what": "builder image"}))
    with explained(what, base, platform.arch):
        steps = client.api.build(
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
        told(steps, what, base, platform.arch, emit, running)
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


def available(client: Any, image: str, platform: Platform, emit: Emit, *, setting: str = "") -> Any:
    """`image` for the CPU of `platform`, pulled where the engine lacks it.

    `setting` of config.yml is where another one can be named.
    """
    from docker.errors import APIError, NotFound

    known = _present(client, image)
    if known is not None and _fits(known, platform):
        return known
    emit(Event("progress", f"Pulling {image}", {"what": f"pull of {image}"}))
    try:
        name, tag = _split(image)
        pulled = client.images.pull(name, tag=tag, platform=f"linux/{CPUS[platform.arch]}")
    except (APIError, NotFound) as error:
        if known is not None:
            raise foreign_cpu(image, platform.arch) from error
        why = str(error.explanation or error).strip().splitlines()[0].rstrip(".")
        raise TcError(
            f"the image `{image}` can't be pulled: {why}",
            code="no-builder",
            where=image,
            hint=f"docker pull {image}"
            + (f", or name another: `{setting}: {{{platform.runtime}: IMAGE}}`" if setting else ""),
        ) from error
    if not _fits(pulled, platform):
        raise foreign_cpu(image, platform.arch)
    return pulled


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


def told(
    steps: Iterator[Mapping[str, Any]],
    what: str,
    image: str,
    arch: str,
    emit: Emit,
    running: Running,
) -> None:
    """Reads the engine's stream of steps, telling them; raises TcError for an error in it.

    An interrupt closes the stream, which ends the work on the other side.
    """
    lines: list[str] = []
    moved = _Moved(what, emit)
    close = getattr(steps, "close", None)
    with running.ended_by(close or (lambda: None)):
        for step in steps:
            if "error" in step:
                raise _failed(str(step["error"]), lines[-_TAIL:], what, image, arch)
            moved.see(step)
            for line in str(step.get("stream") or "").splitlines():
                said = masked(_CONTROL.sub("", line)).strip()
                if said and not said.startswith(_NOISE):
                    lines.append(said)
                    emit(Event("progress", said, {"what": what}))


class _Moved:
    """The bytes of an image that are on their way, told once a second."""

    def __init__(self, what: str, emit: Emit):
        self._what, self._emit = what, emit
        self._parts: dict[str, tuple[int, int]] = {}
        self._told = 0.0

    def see(self, step: Mapping[str, Any]) -> None:
        detail = step.get("progressDetail") or {}
        total = detail.get("total")
        if not total:
            return
        self._parts[str(step.get("id"))] = (int(detail.get("current", 0)), int(total))
        if time.monotonic() - self._told < 1:
            return
        self._told = time.monotonic()
        done, whole = (sum(part[index] for part in self._parts.values()) for index in (0, 1))
        data = {"what": self._what, "done": done, "total": whole, "unit": "bytes"}
        self._emit(Event("progress", self._what, data))


def _failed(error: str, lines: list[str], what: str, image: str, arch: str) -> TcError:
    output = "\n".join(f"  {line}" for line in lines)
    whole = f"{error}\n{output}".lower()
    if "no space left on device" in whole:
        return disk_full(what)
    if "exec format error" in whole:
        return foreign_cpu(image, arch)
    return TcError(
        f"{what} failed: {masked(error)}" + (f"; its output ended:\n{output}" if output else ""),
        code="container-failed",
        where=image,
    )
