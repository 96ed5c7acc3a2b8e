"""PEP 508's variables where a function runs, and which requirements they leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tc.spec.layer import Platform


def version_of(platform: Platform) -> str:
    """3.12 of ``python3.12``."""
    return platform.runtime.removeprefix("python")


def variables(platform: Platform) -> dict[str, str]:
    """name -> value, as markers name them."""
    from packaging.markers import default_environment

    short = version_of(platform)
    full = f"{short}.0"
    found: dict[str, Any] = {**default_environment()}
    found |= {
        "python_version": short,
        "python_full_version": full,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "implementation_version": full,
    }
    if not platform.host:
        machine = "aarch64" if platform.arch == "arm64" else "x86_64"
        found |= {
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_release": "",
            "platform_version": "",
        }
    return found


def any_applies(lines: Sequence[str], platform: Platform) -> bool:
    """Whether one of the requirements `lines` is for `platform`, by its marker."""
    asked = [line for line in lines if not line.startswith("-")]
    if not all(";" in line for line in asked):
        return True
    from packaging.markers import InvalidMarker, Marker

    known = {**variables(platform), "extra": ""}
    for line in asked:
        try:
            if Marker(line.rpartition(";")[2].partition(" --")[0].strip()).evaluate(known):
                return True
        except InvalidMarker:
            # a semicolon of an address
            return True
    return False
