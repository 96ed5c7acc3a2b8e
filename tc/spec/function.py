"""What a user says of a function: function.json, and `functions.X` of a topology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tc.spec.base import AsWritten, Strict, Targets
from tc.spec.finding import Address

Arch = Literal["x86_64", "arm64"]


class Runtime(Strict):
    """`runtime` of a function."""

    lang: str | None = Field(None, description="python3.13, ruby3.4, node24, …; inferred")
    handler: str | None = Field(None, description="module.function; inferred: handler.handler")
    package_type: Literal["zip", "image"] | None = Field(None, description="zip")
    layers: list[str] = Field([], description="name, name:version or ARN, in order")
    extensions: list[str] = Field([], description="ARNs of extension layers")
    arch: Arch | None = Field(None, description="x86_64")
    memory: Annotated[int, Field(ge=128, le=10240)] | None = Field(None, description="MB; 128")
    memory_size: Annotated[int, Field(ge=128, le=10240)] | None = Field(None, description="memory")
    timeout: Annotated[int, Field(ge=1, le=900)] | None = Field(
        None, description="seconds; 300, or 29 behind a route that waits"
    )
    environment: dict[str, str | int | float | bool] = Field({}, description="variables")
    ephemeral_storage: Annotated[int, Field(ge=512, le=10240)] | None = Field(
        None, description="MB in /tmp; 512"
    )
    tracing: bool | None = Field(None, description="X-Ray; false")


    code: str | None = Field(None, description="the handler's source, instead of a directory")


class Build(Strict):
    """`build` of a function: how its package is made."""

    kind: str | None = Field(None, description="Code, or Inline with `runtime.code`")
    command: str | None = Field(None, description="instead of `tasks.build`")
    pre: list[str] = Field([], description="commands before")
    post: list[str] = Field([], description="commands after")


class FunctionFile(Strict):
    """function.json, function.yml."""

    name: str | None = Field(None, description="the directory's")
    description: str | None = Field(None, description="text that AWS shows")
    runtime: Runtime = Field(Runtime(), description="language, memory, environment, …")
    build: Build = Field(Build(), description="how its package is made")
    tasks: dict[str, str] = Field({}, description="commands by name; `build` makes lambda.zip")
    assets: dict[str, str] = Field({}, description="MODEL_PATH, DEPS_PATH: paths below /mnt")
    tags: dict[str, AsWritten] = Field({}, description="tags of the function")


class FunctionEntry(FunctionFile, Targets):
    """`functions.X` in topology.yml: the same keys, a place and a target."""

    uri: str | None = Field(
        None,
        description="directory of the function, from topology.yml; or one in a git repository: "
        "https://host/repo.git//dir?ref=v1",
    )
    root: bool | None = Field(None, description="this function is the head of its chain")


class VarsEntry(Strict):
    """`default`, an env or a sandbox in a function's vars file."""

    memory_size: Annotated[int, Field(ge=128, le=10240)] | None = Field(None, description="MB")
    timeout: Annotated[int, Field(ge=1, le=900)] | None = Field(None, description="seconds")
    environment: dict[str, AsWritten] = Field({}, description="variables")
    tags: dict[str, AsWritten] = Field({}, description="tags of the function")


@dataclass(frozen=True, slots=True)
class Inline:
    """A handler's source that stands in the topology, and the name of its file."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function as the later stages see it: written keys, overlays and inference in one.

    `runtime` is the AWS identifier (``python3.13``, ``nodejs24.x``); `environment`
    still has its templates. `policy` is the written policy document, `inherit`
    included. `vars` are the overlays by ``default``, env or sandbox, each with
    those of memory_size, timeout, environment and tags that were written.
    `ignore` has `.tcignore` patterns (gitignore syntax), relative to `dir`. What is
    `inline` is packaged instead of the files in `dir`.
    """

    name: str
    dir: Path
    address: Address
    runtime: str
    handler: str
    description: str = ""
    arch: Arch = "x86_64"
    memory: int = 128
    timeout: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ephemeral_storage: int = 512
    tracing: bool = False
    layers: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    build: Build = field(default_factory=Build)
    assets: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, Any] | None = None
    vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    root: bool | None = None
    targets: tuple[tuple[str, str], ...] = ()
    target_address: Address | None = None
    ignore: tuple[str, ...] = ()
    inline: Inline | None = None
