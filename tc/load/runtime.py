"""The keys of `runtime` that say how a function runs, as a `Function` has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

from tc.spec.finding import Address, Finding
from tc.spec.function import Located, Mount

#: (keys) -> where that was written
Where = Callable[..., Address]
#: what is in an image already, or what tc would make a package of
_NOT_WITH_IMAGE = ("layers", "extensions", "code")


class Settings(TypedDict):
    """Fields of `Function`."""

    is_image: bool
    snapstart: bool
    reserved_concurrency: int | None
    provisioned_concurrency: int
    kms_key: str
    role: str
    role_file: Located | None
    vars_file: Located | None
    wants_network: bool | None
    wants_mount: bool | None
    mount: Mount | None


def settings(runtime: Mapping[str, Any], where: Where) -> Settings:
    """`runtime` has the written keys; paths in it start at the file they stand in."""
    return {
        "is_image": runtime.get("package_type") == "image",
        "snapstart": bool(runtime.get("snapstart")),
        "reserved_concurrency": runtime.get("reserved_concurrency"),
        "provisioned_concurrency": runtime.get("provisioned_concurrency") or 0,
        "kms_key": runtime.get("kms_key") or "",
        "role": runtime.get("role") or "",
        "role_file": _located(runtime, "role_file", where),
        "vars_file": _located(runtime, "vars_file", where),
        "wants_network": runtime.get("network"),
        "wants_mount": runtime.get("mount_fs"),
        "mount": _mount(runtime),
    }


def _located(runtime: Mapping[str, Any], key: str, where: Where) -> Located | None:
    written = runtime.get(key)
    if not written:
        return None
    address = where("runtime", key)
    return Located(Path(os.path.normpath(address.file.parent / written)), address)


def _mount(runtime: Mapping[str, Any]) -> Mount | None:
    written = runtime.get("fs")
    if written is None:
        return None
    mount = Mount(access_point=written.access_point or "", kind=written.kind or "")
    return Mount(mount.access_point, written.mount_point or mount.path, mount.kind)


def image_problems(runtime: Mapping[str, Any], where: Where) -> Iterator[Finding]:
    """What a function that is an image can't have (Lambda developer guide, "Create a Lambda
    function using a container image")."""
    for key in _NOT_WITH_IMAGE:
        if runtime.get(key):
            message = f"`{key}` can't stand with `package_type: image`"
            yield Finding("both", message, where("runtime", key), "put it into the image", "key")
