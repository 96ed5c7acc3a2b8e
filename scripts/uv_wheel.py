"""Fetches the program uv from a package index, with the standard library alone.

The version and the hashes are those in requirements/runtime.txt, so what an
index says of its files is not believed: only the pinned wheel is unpacked.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import platform
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tc.indexes import pip_settings, uv_environment

DEFAULT_INDEX = "https://pypi.org/simple"
ATTEMPTS = 3
_HREF = re.compile(r"""<a\s[^>]*?href=["']([^"']+)["']""", re.IGNORECASE)


class Unavailable(Exception):
    """uv cannot be had; `hint` is the way out."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


def fetch(requirements: Path, directory: Path) -> Path:
    """The executable of the pinned uv for this machine, in `directory`."""
    version, hashes = pinned(requirements)
    tried = []
    for place in places():
        try:
            address = next((a for a in files(place) if fits(file_name(a), version)), None)
            if address is None:
                tried.append(f"{bare(place)}: it has no uv {version} for {wanted()}")
                continue
            content = read(address)
        except (OSError, ValueError) as error:
            tried.append(f"{bare(place)}: {reason(error)}")
            continue
        if hashlib.sha256(content).hexdigest() not in hashes:
            raise Unavailable(
                f"{file_name(address)} from {bare(place)} is not the file that "
                f"{requirements.name} names.",
                "set PIP_INDEX_URL to an index with the published files",
            )
        return unpack(content, directory)
    raise Unavailable(
        f"uv cannot be fetched ({'; '.join(dict.fromkeys(tried)) or 'no index is set'}).",
        "check the connection and the proxy, or set PIP_INDEX_URL or PIP_FIND_LINKS to a place "
        "that has it",
    )


def pinned(requirements: Path) -> tuple[str, frozenset[str]]:
    """uv's version and the hashes of its files, as `requirements` has them."""
    block = re.search(r"^uv==(\S+)((?:.*\\\n)+.*)", requirements.read_text(), re.MULTILINE)
    if block is None:
        raise Unavailable(f"{requirements} does not name uv.", "scripts/lock.sh")
    return block.group(1), frozenset(re.findall(r"sha256:([0-9a-f]{64})", block.group(2)))


def places() -> list[str]:
    """Directories and addresses to look at, in pip's and uv's own settings."""
    env = uv_environment(os.environ)
    found = [place for place in re.split(r"[,\s]+", env.get("UV_FIND_LINKS", "")) if place]
    no_index = pip_settings(os.environ).get("no-index", "").lower() in ("1", "true", "yes", "on")
    if not no_index:
        index = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or DEFAULT_INDEX
        extra = env.get("UV_INDEX", "") + " " + env.get("UV_EXTRA_INDEX_URL", "")
        # uv allows NAME=URL
        named = [re.sub(r"^\w+=(?=https?://)", "", place) for place in [*extra.split(), index]]
        found += [place.rstrip("/") + "/uv/" for place in named]
    return found


def files(place: str) -> Iterator[str]:
    """The addresses of the files in `place`: a directory, or a page with links."""
    if "://" not in place:
        for path in sorted(Path(place).expanduser().glob("uv-*.whl")):
            yield path.absolute().as_uri()
        return
    text = read(place).decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        links = [entry["url"] for entry in json.loads(text)["files"]]
    else:
        links = [html.unescape(link) for link in _HREF.findall(text)]
    for link in links:
        yield urllib.parse.urljoin(place, link)


def file_name(address: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(address).path.rpartition("/")[2])


def wanted() -> str:
    """The platform in words of wheel names."""
    system, machine = platform.system().lower(), platform.machine().lower()
    if system == "darwin":
        return f"macosx {machine}"
    library = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return f"{library} {machine}"


def fits(name: str, version: str) -> bool:
    library, machine = wanted().split()
    start = f"uv-{version}-py3-none-"
    return name.startswith(start) and name.endswith(f"_{machine}.whl") and library in name


def read(address: str) -> bytes:
    """What is at `address`; a network failure is tried again."""
    request, context = door(address)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with opener(context).open(request, timeout=30) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS:
                raise
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLError) or attempt == ATTEMPTS:
                raise
        time.sleep(attempt)
    raise AssertionError("unreachable")


def opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """Goes by http_proxy, https_proxy, no_proxy, or else by pip's `proxy`."""
    proxy = pip_settings(os.environ).get("proxy", "")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    return urllib.request.build_opener(*handlers)


def door(address: str) -> tuple[urllib.request.Request, ssl.SSLContext]:
    """The request, its password in a header, and the certificates to trust."""
    env = uv_environment(os.environ)
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(
        urllib.parse.urlunsplit(parts._replace(netloc=host, fragment="")),
        headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5, */*;q=0.1"},
    )
    if parts.username:
        login = (
            f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        )
        request.add_unredirected_header(
            "Authorization", "Basic " + base64.b64encode(login.encode()).decode()
        )
    context = ssl.create_default_context(cafile=env.get("SSL_CERT_FILE"))
    if parts.hostname in {h.partition(":")[0] for h in env.get("UV_INSECURE_HOST", "").split()}:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return request, context


def bare(place: str) -> str:
    """`place` without a password."""
    return re.sub(r"(://)[^/@\s]+@", r"\1", place)


def reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    inner = getattr(error, "reason", error)
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return str(inner)


def unpack(wheel: bytes, directory: Path) -> Path:
    import io

    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        program = directory / "uv"
        program.write_bytes(archive.read(name))
    program.chmod(0o700)
    return program
