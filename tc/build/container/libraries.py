"""Shared libraries: those that Lambda's runtime has, and those that must come along.

What a build links to stands in the build container and may be missing on Lambda, whose images
are small. The loader of the build container says what each file needs, and where that is; what
Lambda lacks is copied to ``lib/``, which Lambda's loader searches in a package (/var/task/lib)
and in a layer (/opt/lib).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tc.build.cache import replacing
from tc.build.container.builder import CPUS, LABEL, available, runtime_image
from tc.build.container.client import connect, explained
from tc.build.tools import WORK
from tc.errors import TcError
from tc.events import Emit
from tc.processes import Running
from tc.spec.layer import Platform

if TYPE_CHECKING:
    from tc.build.container.box import Box

#: where the loader and Lambda's runtimes look (Lambda developer guide, "Using environment
#: variables", LD_LIBRARY_PATH)
_PLACES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib/*-linux-gnu",
    "/usr/lib/*-linux-gnu",
    "/var/lang/lib",
    "/var/runtime",
    "/var/runtime/lib",
)
_LIST = "ldconfig -p 2>/dev/null; ls " + " ".join(_PLACES) + " 2>/dev/null; true"
_LIBRARY = re.compile(r"(?:^|(?<=[\s/]))([A-Za-z0-9_+.-]+\.so(?:\.[0-9A-Za-z.]+)?)(?=\s|$)")
#: a line of ldd: ``libfoo.so.1 => /usr/lib64/libfoo.so.1 (0x00007f…)``
_NEEDED = re.compile(r"^\s*(\S+) => (/\S+) \(0x[0-9a-f]+\)$")
#: glibc's own are of one piece with the loader: another's would crash
_GLIBC = re.compile(
    r"(?:ld-linux.*|linux-vdso|libc|libm|libmvec|libdl|librt|libpthread|libutil|libresolv|libnsl"
    r"|libanl|libBrokenLocale|libthread_db|libnss_\w+)\.so(?:\..*)?"
)


def names_in(lines: Iterable[str]) -> frozenset[str]:
    """The libraries that ``ldconfig -p`` and ``ls`` tell of."""
    return frozenset(name for line in lines for name in _LIBRARY.findall(line))


def provided(
    platform: Platform, images: Mapping[str, str], cache: Path, emit: Emit, running: Running
) -> frozenset[str]:
    """What the runtime image has, read once for each image; `known` when it can't be had."""
    try:
        client = connect()
    except TcError:
        return known(platform)
    try:
        image = available(
            client,
            runtime_image(platform, images),
            platform,
            emit,
            running,
            setting="builder.runtime_images",
        )
        place = cache / "provided" / f"{image.id.rpartition(':')[2]}.json"
        if place.is_file():
            return frozenset(json.loads(place.read_text()))
        with explained("reading the runtime's libraries", image.id, platform.arch):
            names = names_in(_listed(client, image, platform).splitlines())
        with replacing(place) as temporary:
            temporary.write_text(json.dumps(sorted(names)))
        return names
    except TcError:
        if images:
            raise
        return known(platform)
    finally:
        client.close()


def _listed(client: Any, image: Any, platform: Platform) -> str:
    output = client.containers.run(
        image.id,
        ["-c", _LIST],
        entrypoint="/bin/sh",
        platform=f"linux/{CPUS[platform.arch]}",
        labels={LABEL: "build"},
        network_disabled=True,
        remove=True,
    )
    return bytes(output).decode("utf-8", "replace")


def known(platform: Platform) -> frozenset[str]:
    """Without an image: what this machine has when it runs the function, else the table."""
    if platform.host:
        return frozenset(
            path.name for place in _PLACES for path in Path("/").glob(f"{place.lstrip('/')}/*.so*")
        )
    from tc.build.runtimes import provided as of_runtime

    return of_runtime(platform.runtime)


def copy_missing(
    box: Box, result: str, platform: Platform, provided: Callable[[Platform], frozenset[str]]
) -> list[str]:
    """Copies the libraries that the files in `result` of the container need, and Lambda lacks,
    to its ``lib/``; their names."""
    where = shlex.quote(f"{WORK}/{result}")
    found = box.output(
        f"cd {where} 2>/dev/null || exit 0; "
        "command -v ldd >/dev/null && find . -type f \\( -name '*.so' -o -name '*.so.*' "
        "-o -perm -100 \\) -exec ldd {} + 2>/dev/null; true"
    )
    needed = {match[1]: match[2] for line in found if (match := _NEEDED.match(line))}
    outside = {
        name: path
        for name, path in needed.items()
        if not path.startswith(f"{WORK}/") and not _GLIBC.fullmatch(name)
    }
    if not outside:
        return []
    missing = sorted(outside.keys() - provided(platform))
    if missing:
        copies = [f"cp -L {shlex.quote(outside[name])} lib/{shlex.quote(name)}" for name in missing]
        box.output(f"cd {where} && mkdir -p lib && " + " && ".join(copies))
    return missing
