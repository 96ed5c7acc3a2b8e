"""What a user says of a function: function.json, and `functions.X` of a topology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tc.records import dataclass
from tc.spec.base import AsWritten, Strict, Tags, Targets
from tc.spec.chain import ChoiceRule, MapHint
from tc.spec.finding import Address
from tc.spec.scope import Scope
from tc.spec.test import Cases

Arch = Literal["x86_64", "arm64"]
PackageManager = Literal["uv", "pip", "poetry", "pipenv", "npm", "pnpm", "yarn", "bundler"]
#: (lower case) what `build.kind` may be
BUILD_KINDS = ("code", "inline", "layer", "library", "image", "extension")
#: those of what is no function: it becomes a layer that functions list
LIBRARY_KINDS = ("layer", "library", "extension")


class FileSystemModel(Strict):
    """`runtime.fs`: a file system that every copy of a function sees."""

    kind: Literal["efs", "s3"] | None = Field(None, description="as the access point says")
    access_point: str | None = Field(
        None, description="ARN of its access point, or the id of one of EFS; as vars say"
    )
    mount_point: str | None = Field(None, description="`/mnt/` and one name; /mnt/assets")


class Runtime(Strict):
    """`runtime` of a function."""

    lang: str | None = Field(None, description="python3.13, ruby3.4, node24, …; inferred")
    handler: str | None = Field(None, description="module.function; inferred: handler.handler")
    package_type: Literal["zip", "image"] | None = Field(None, description="zip")
    layers: list[str] = Field([], description="name, name:version or ARN, in order")
    extensions: list[str] = Field([], description="layers of extensions: name, ARN, …")
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
    network: bool | None = Field(
        None, description="in a VPC, whose subnets and groups are in vars; as vars say"
    )
    fs: FileSystemModel | None = Field(None, description="a file system that is mounted")
    mount_fs: bool | None = Field(None, description="whether it is mounted; as `fs` and vars say")
    snapstart: bool | None = Field(None, description="snapshots of started versions; false")
    reserved_concurrency: Annotated[int, Field(ge=0)] | None = Field(
        None, description="what it may run at once at most, kept for it; 0: nothing runs"
    )
    provisioned_concurrency: Annotated[int, Field(ge=0)] | None = Field(
        None, description="environments that are kept started; 0"
    )
    kms_key: str | None = Field(
        None, description="ARN of the KMS key for its variables; AWS's own key"
    )
    role: str | None = Field(
        None, description="name or ARN of a role that exists, instead of one of its own"
    )
    role_file: str | None = Field(
        None, description="path of its policy document, from this file; infra's roles/NAME.json"
    )
    vars_file: str | None = Field(
        None, description="path of its vars, from this file; infra's vars/NAME.json"
    )
    code: str | None = Field(None, description="the handler's source, instead of a directory")


class Build(Strict):
    """`build` of a function: how its package is made."""

    kind: str | None = Field(
        None,
        description="code; inline: with its dependencies in the package; image; and what is no "
        "function: layer, library, extension",
    )
    command: str | None = Field(None, description="instead of `tasks.build`")
    pre: list[str] = Field([], description="commands before")
    post: list[str] = Field([], description="commands after")
    package_manager: PackageManager | None = Field(
        None, description="whose files say what it depends on; the lock file that is there"
    )
    shared_context: bool = Field(
        True, description="packages beside its directory may be built in; true"
    )
    skip_dev_deps: bool = Field(True, description="leave out dependencies for development; true")
    dirs: list[str] = Field(
        [], description="directories whose contents go into its layer; lib and vendor"
    )
    include_deps: bool = Field(False, description="as `kind: inline`; false")
    bundle: bool = Field(False, description="Node.js: one file, made by esbuild; false")
    version: str | None = Field(None, description="tag of its image; the digest of its files")
    image_name: str | None = Field(None, description="repository of its image in ECR")


class FunctionFile(Strict):
    """function.json, function.yml."""

    name: str | None = Field(None, description="the directory's")
    description: str | None = Field(None, description="text that AWS shows")
    fqn: str | None = Field(None, description="its whole name on AWS, instead of the derived one")
    namespace: str | None = Field(
        None, description="what its name on AWS starts with; the topology's name"
    )
    runtime: Runtime = Field(Runtime(), description="language, memory, environment, …")
    build: Build = Field(Build(), description="how its package is made")
    tasks: dict[str, str] = Field({}, description="commands by name; `build` makes lambda.zip")
    assets: dict[str, str] = Field({}, description="MODEL_PATH, DEPS_PATH: paths below /mnt")
    tags: Tags = Field({}, description="tags of the function")
    test: Cases | None = Field(None, description="a test of it, or tests by name")


class FunctionEntry(FunctionFile, Targets):
    """`functions.X` in topology.yml: the same keys, a place and a target."""

    uri: str | None = Field(
        None,
        description="directory of the function, from topology.yml; or one in a git repository: "
        "https://host/repo.git//dir?ref=v1",
    )
    root: bool | None = Field(None, description="this function is the head of its chain")
    queue: str | None = Field(None, description="the queue that its result is sent to")
    mutation: str | None = Field(None, description="the mutation that gets its result")
    channel: str | None = Field(None, description="the channel that gets its result")
    map: str | MapHint | None = Field(
        None, description="path of a list in its result: each item goes to `function`"
    )
    then: str | None = Field(
        None, description="after `map` or `functions`: the function that gets all results"
    )
    choice: list[ChoiceRule] | None = Field(
        None, description="rules: the first that fits says where the result goes"
    )


class NetworkModel(Strict):
    """`network` of a vars file: where in a VPC a function runs."""

    subnets: list[str] = Field([], description="ids of subnets, up to 16")
    security_groups: list[str] = Field([], description="ids of security groups, up to 5")


class MountModel(Strict):
    """`filesystem` of a vars file: what is mounted."""

    arn: str | None = Field(None, description="ARN of the access point")
    mount_point: str | None = Field(None, description="`/mnt/` and one name; /mnt/assets")


class VarsEntry(Strict):
    """`default`, an env or a sandbox in a function's vars file."""

    memory_size: Annotated[int, Field(ge=128, le=10240)] | None = Field(None, description="MB")
    timeout: Annotated[int, Field(ge=1, le=900)] | None = Field(None, description="seconds")
    environment: dict[str, AsWritten] = Field({}, description="variables")
    reserved_concurrency: Annotated[int, Field(ge=0)] | None = Field(
        None, description="what it may run at once at most; 0: nothing runs"
    )
    provisioned_concurrency: Annotated[int, Field(ge=0)] | None = Field(
        None, description="environments that are kept started"
    )
    image_uri: str | None = Field(None, description="the image of a function that is one")
    network: NetworkModel | None = Field(None, description="subnets and groups of its VPC")
    filesystem: MountModel | None = Field(None, description="a file system that is mounted")
    tags: Tags = Field({}, description="tags of the function")


#: the alias through which a function is called whose versions are published
ALIAS = "live"
_MOUNT_POINT = "/mnt/assets"


@dataclass(frozen=True, slots=True)
class Network:
    """Where a function runs: ids of the subnets and security groups of a VPC."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system at a path: the ARN of an access point, before composing also the id
    of one of EFS. `kind` is ``efs`` or ``s3``, empty when nobody says."""

    access_point: str = ""
    path: str = _MOUNT_POINT
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A path that somebody wrote, and where it stands."""

    path: Path
    address: Address


@dataclass(frozen=True, slots=True)
class Inline:
    """A handler's source that stands in the topology, and the name of its file."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function as the later stages see it: written keys, overlays and inference in one.

    `runtime` is the AWS identifier (``python3.13``, ``nodejs24.x``), empty when the
    function `is_image`, whose `image_runtime` is then what a generated image starts from;
    `environment` still has its templates. `policy` is the written
    policy document, `inherit` included. `vars` are the overlays by ``default``, env or
    sandbox, each with those keys of `VarsEntry` that were written. `role` is one that
    exists. `layers` end with the `extensions`; `libraries` are those of them that the project
    itself makes of what is no function. `network` and `mount` are None when the
    function has none; `wants_network` and `wants_mount` are what was written about them,
    None for nothing. `origins` has where settings were written, by their path (``memory``,
    ``environment.STAGE``);
    `vars_address` is the file of `vars`.
    `ignore` has `.tcignore` patterns (gitignore syntax), relative to `dir`. What is
    `inline` is packaged instead of the files in `dir`. `fqn` still has its templates.
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
    extensions: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    build: Build = field(default_factory=Build)
    assets: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, Any] | None = None
    vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    vars_address: Address | None = None
    origins: Mapping[str, Address] = field(default_factory=dict)
    root: bool | None = None
    targets: tuple[tuple[str, str], ...] = ()
    map: MapHint | None = None
    then: str = ""
    choice: tuple[ChoiceRule, ...] = ()
    target_address: Address | None = None
    ignore: tuple[str, ...] = ()
    inline: Inline | None = None
    is_image: bool = False
    image_uri: str = ""
    image_runtime: str = ""
    has_dockerfile: bool = False
    snapstart: bool = False
    reserved_concurrency: int | None = None
    provisioned_concurrency: int = 0
    kms_key: str = ""
    role: str = ""
    role_file: Located | None = None
    vars_file: Located | None = None
    wants_network: bool | None = None
    network: Network | None = None
    wants_mount: bool | None = None
    mount: Mount | None = None
    fqn: str = ""

    def written_at(self, *keys: str) -> Address:
        """Where the setting at `keys` of `runtime` was written: a function file, topology.yml
        or vars; where it would stand when nobody wrote it."""
        for count in range(len(keys), 0, -1):
            if found := self.origins.get(".".join(keys[:count])):
                return found
        return Address(self.address.file, (*self.address.path, "runtime", *keys))

    def full_name(self, scope: Scope) -> str:
        """The name on AWS: the written one, or the derived one."""
        return scope.fill(self.fqn) if self.fqn else derived_name(self.name, scope)

    @property
    def build_kind(self) -> str:
        """One of `BUILD_KINDS`."""
        if self.is_image:
            return "image"
        kind = (self.build.kind or "code").lower()
        return "inline" if kind == "code" and self.build.include_deps else kind

    @property
    def is_library(self) -> bool:
        """Whether it is built into a layer that functions list, and is no function itself."""
        return self.build_kind in LIBRARY_KINDS

    @property
    def has_alias(self) -> bool:
        """Whether it is called through the alias `live` in every sandbox: SnapStart and
        provisioned concurrency exist only on published versions."""
        return self.snapstart or self.provisioned_concurrency > 0

    def is_called_by_alias(self, scope: Scope) -> bool:
        """Whether others call its alias: it needs one, or the sandbox goes live by aliases."""
        return self.has_alias or scope.stable

    def called_name(self, scope: Scope) -> str:
        """The name by which others call it: with its alias where it has one."""
        name = self.full_name(scope)
        return f"{name}:{ALIAS}" if self.is_called_by_alias(scope) else name


def derived_name(name: str, scope: Scope) -> str:
    """The name on AWS of a function called `name` (Lambda: at most 64 characters)."""
    return scope.name(scope.namespace, name, scope.sandbox, limit=64)
