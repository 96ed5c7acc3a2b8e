"""Functions that are container images: what they are made of, and making them.

::

    Dockerfile of the function ──────────────► context: its directory ──┐
    else AWS's image of the runtime:                                    ├──► image ──► registry
    its code in /var/task, its dependencies in /opt, as a layer has them┘

An image is known by the digest of what it is made of, and made once. A generated Dockerfile only
copies: nothing runs, so any CPU's image is made on any machine, and no secret can stay in one.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tc.build.cache import private, staging
from tc.build.commands import Commands
from tc.build.deps import Needs, language_of
from tc.build.entry import Entry, identity
from tc.build.files import SECRET, code, sources
from tc.build.package import copy_entries, package_all
from tc.build.tools import Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Event
from tc.records import dataclass
from tc.spec.function import Function
from tc.spec.ignore import matcher
from tc.spec.layer import Platform

DOCKERFILE = "Dockerfile"
#: of how images are made; another number makes all of them anew
_FORMAT = "1"
_DIGEST = "tc.digest"
_SETTINGS = ("/function.json", "/function.yml", "/function.yaml", "/.tcignore")
#: what separates the words of a repository's name, one at a time (Amazon ECR API reference,
#: CreateRepository)
_SEPARATORS = re.compile(r"[^a-z0-9/]*([._-])[^a-z0-9/]*")
#: (Docker image specification; Amazon ECR API reference, ImageIdentifier)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that can be made of `function`.

    `owner` is the namespace it is of, `repository` its name without a registry, `digest` (hex)
    is of all it is made of, and `tag` is `build.version`, else the start of the digest.
    """

    function: Function
    owner: str
    repository: str
    tag: str
    digest: str

    @property
    def digest_tag(self) -> str:
        """The tag that says what it was made of."""
        return f"tc-{self.digest[:16]}"

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that the container engine has: its `id` and `size` in bytes; `cached` when it
    was there."""

    image: Image
    id: str
    size: int
    cached: bool


@dataclass(frozen=True, slots=True)
class Registry:
    """Where images are pushed: a host, and the login when docker's own isn't meant."""

    host: str
    login: Mapping[str, str] | None = None


def image_of(function: Function, namespace: str, bases: Mapping[str, str]) -> Image:
    """What `function` would be as an image; reads its files, starts nothing.

    `bases` are the images like Lambda of config.yml (`builder.runtime_images`). Raises TcError
    ``no-image`` when there is no Dockerfile and nothing says what it is written in.
    """
    digest = _digest(function, bases)
    version = function.build.version or ""
    if version and not _TAG.fullmatch(version):
        raise TcError(
            f"`{version}` can't be the tag of an image",
            code="invalid-value",
            where=shown(function.dir),
            hint="`build.version` has letters, digits, `_`, `.` and `-`",
        )
    repository = function.build.image_name or f"{namespace}/{function.name}"
    repository = _SEPARATORS.sub(r"\1", repository.lower()).strip("._-/")
    return Image(function, namespace, repository, version or f"tc-{digest[:16]}", digest)


def _digest(function: Function, bases: Mapping[str, str]) -> str:
    files = _context(function) if function.has_dockerfile else _files(function)
    parts = [_FORMAT, function.arch, identity(files)]
    if not function.has_dockerfile:
        needs = _needs(function)
        base = _base(function, bases)
        parts += [base, function.handler, needs.digest if needs else ""]
        parts += Commands.of(function).all
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _context(function: Function) -> list[Entry]:
    """The directory, without what is ignored, made by tools, or secret, and without the
    function's own settings, which are no part of its image."""
    ignored = matcher((*SECRET, *_SETTINGS))
    return [
        entry for entry in sources(function.dir, function.ignore) if not ignored(entry.name, False)
    ]


def _files(function: Function) -> list[Entry]:
    """What a generated image is made of, besides dependencies."""
    if Commands.of(function).all:
        return sources(function.dir, function.ignore)
    return code(function.dir, function.ignore)


def _platform(function: Function) -> Platform:
    return Platform(function.image_runtime, function.arch)


def _base(function: Function, bases: Mapping[str, str]) -> str:
    from tc.build.container.builder import runtime_image

    if not function.image_runtime:
        raise TcError(
            f"`{function.name}` is an image without a {DOCKERFILE}, and nothing says what it is "
            "written in",
            code="no-image",
            where=shown(function.dir),
            hint=f"write {shown(function.dir / DOCKERFILE)}, or `runtime.lang`, or `image_uri` in "
            "its vars file",
        )
    return runtime_image(_platform(function), bases)


def _zipped(function: Function) -> Function:
    """The same function as one that is packaged: its code alone."""
    return replace(
        function,
        is_image=False,
        runtime=function.image_runtime,
        handler=_handler(function),
        build=function.build.model_copy(update={"kind": None, "include_deps": False}),
    )


def _handler(function: Function) -> str:
    compiled = function.image_runtime.startswith("provided")
    return function.handler or ("bootstrap" if compiled else "handler.handler")


def _needs(function: Function) -> Needs | None:
    language = language_of(function.image_runtime)
    return language.needs(_zipped(function), _platform(function)) if language else None


def build_image(image: Image, bases: Mapping[str, str], tools: Tools) -> BuiltImage:
    """The image, made by the container engine where that lacks it. Raises TcError."""
    from tc.build.container.builder import CPUS, LABEL
    from tc.build.container.client import connect, explained
    from tc.build.container.files import packed
    from tc.build.container.steps import told

    function = image.function
    what = f"building the image {image.name}"
    client = connect()
    try:
        tag = f"tc-image/{image.repository}:{image.digest_tag}"
        known = _known(client, tag)
        if known is not None:
            return BuiltImage(image, known.id, known.attrs["Size"], cached=True)
        with staging(tools.cache) as place:
            context = private(place / "context")
            _fill(image, context, bases, client, tools)
            with explained(what, tag, function.arch), packed(context, ".") as archive:
                build = partial(
                    client.api.build,
                    fileobj=archive,
                    custom_context=True,
                    tag=tag,
                    platform=f"linux/{CPUS[function.arch]}",
                    labels={LABEL: "image", _DIGEST: image.digest},
                    use_config_proxy=True,
                    rm=True,
                    forcerm=True,
                    decode=True,
                )
                told(build, what, tag, function.arch, tools.emit, tools.running)
        made = _known(client, tag)
        if made is None:
            raise TcError(f"{what} left no image", code="container-failed", where=tag)
        return BuiltImage(image, made.id, made.attrs["Size"], cached=False)
    finally:
        client.close()


def _known(client: Any, tag: str) -> Any:
    from docker.errors import ImageNotFound

    from tc.build.container.client import explained

    with explained(f"looking for {tag}", tag):
        try:
            return client.images.get(tag)
        except ImageNotFound:
            return None


def _fill(image: Image, context: Path, bases: Mapping[str, str], client: Any, tools: Tools) -> None:
    """What the engine is handed: the function's own Dockerfile with its files, or a new one."""
    from tc.build.container.builder import available

    function = image.function
    if function.has_dockerfile:
        copy_entries(_context(function), context)
        return
    base = available(
        client,
        _base(function, bases),
        _platform(function),
        tools.emit,
        tools.running,
        setting="builder.runtime_images",
    )
    _code(function, private(context / "code"), tools)
    layer = private(context / "layer")
    needs = _needs(function)
    language = language_of(function.image_runtime)
    if needs is not None and language is not None:
        tools.emit(Event("progress", f"Installing {needs.file.name}", {"what": image.name}))
        language.install(needs, [function.name], _platform(function), layer, tools)
    (context / DOCKERFILE).write_text(dockerfile(base.id, _handler(function)))


def dockerfile(base: str, handler: str) -> str:
    """Lambda's images look where functions look: code in /var/task, layers in /opt (AWS Lambda
    developer guide, "Working with layers and extensions in container images")."""
    import json

    return (
        f"FROM {base}\nCOPY layer/ /opt/\nCOPY code/ /var/task/\nWORKDIR /var/task\n"
        f"CMD {json.dumps([handler])}\n"
    )


def _code(function: Function, directory: Path, tools: Tools) -> None:
    """The function's files, or what its build commands made of them."""
    from tc.build import compiled

    zipped = _zipped(function)
    if not Commands.of(function).all and not compiled.language_of(zipped):
        copy_entries(code(function.dir, function.ignore), directory)
        return
    made = package_all([zipped], tools.cache, tools.emit, tools=tools)[function.name]
    with zipfile.ZipFile(made.path) as archive:
        for info in archive.infolist():
            path = directory / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file)
            path.chmod((info.external_attr >> 16) & 0o777 or 0o644)


def push_image(built: BuiltImage, registry: Registry, tools: Tools) -> str:
    """Pushes the image under both of its tags; the digest it has in the registry
    (``sha256:…``). Only layers that the registry lacks are sent."""
    from tc.build.container.client import connect, explained
    from tc.build.container.steps import told

    image = built.image
    repository = f"{registry.host}/{image.repository}"
    what = f"pushing {image.name}"
    digest = ""
    client = connect()
    try:
        for tag in dict.fromkeys((image.digest_tag, image.tag)):
            with explained(what, repository):
                client.api.tag(built.id, repository, tag)
                push = partial(
                    client.api.push,
                    repository,
                    tag=tag,
                    stream=True,
                    decode=True,
                    auth_config=dict(registry.login) if registry.login else None,
                )
                arch = image.function.arch
                digest = told(push, what, repository, arch, tools.emit, tools.running)
    finally:
        client.close()
    if not digest:
        raise TcError(
            f"the registry {registry.host} didn't say what it has of {image.name}",
            code="container-failed",
            where=repository,
            hint="run this again",
        )
    return digest


def digest_in(registry: Registry, repository: str, tag: str) -> str:
    """The digest of what has `tag` in a registry that docker is logged in to; empty for
    nothing."""
    from docker.errors import APIError, NotFound

    from tc.build.container.client import connect

    client = connect()
    try:
        found = client.images.get_registry_data(f"{registry.host}/{repository}:{tag}")
        return str(found.id)
    except NotFound:
        return ""
    except APIError as error:
        # some registries refuse to tell of what they don't have
        if error.status_code in (401, 403):
            return ""
        raise TcError(
            f"the registry {registry.host} can't be asked: {error.explanation or error}",
            code="container-failed",
            where=registry.host,
            hint=f"docker login {registry.host}",
        ) from error
    finally:
        client.close()
