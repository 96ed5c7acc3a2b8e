"""pip's settings for uv: where packages come from, and which certificates are trusted.

uv reads neither pip's configuration files nor its ``PIP_*`` variables. People
behind a package mirror have told pip, so tc tells uv. Files, their order and
the names of the variables are those of pip's documentation ("Configuration").
What the user has told uv itself is left as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

#: settings of uv's that say how to reach packages; others (``UV_PYTHON``,
#: ``UV_CONSTRAINT``, …) are meant for the user's own projects
_KEPT = (
    "UV_API_KEY",
    "UV_AUTH_TOKEN",
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_CONFIG_FILE",
    "UV_CREDENTIALS_DIR",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_GITHUB_TOKEN",
    "UV_GIT_LFS",
    "UV_HTTP_",
    "UV_INDEX",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_NO_CACHE",
    "UV_OFFLINE",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
)
_POETRY = "POETRY_HTTP_BASIC_"
_DROPPED = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME")
#: where requests, and so pip, look for a CA bundle, first wins
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def uv_environment(environ: Mapping[str, str], cache: Path | None = None) -> dict[str, str]:
    """The environment for uv: the user's, with pip's settings in uv's words.

    `cache` is where uv keeps what it fetched when its own cache can't be written. Addresses
    may hold passwords, so they go this way and not as arguments, which every user of the
    machine can read.
    """
    settings = pip_settings(environ)
    env = {name: value for name, value in environ.items() if _passes(name)}
    if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & env.keys():
        _put(env, "UV_DEFAULT_INDEX", settings.get("index-url", ""))
    if not {"UV_INDEX", "UV_EXTRA_INDEX_URL"} & env.keys() and "extra-index-url" in settings:
        _put(env, "UV_EXTRA_INDEX_URL", settings["extra-index-url"])
        # pip takes the best version of all indexes, uv by default the first index's.
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    if "UV_FIND_LINKS" not in env:
        _put(env, "UV_FIND_LINKS", ",".join(_present(settings.get("find-links", "").split())))
    if "UV_INSECURE_HOST" not in env:
        _put(env, "UV_INSECURE_HOST", settings.get("trusted-host", ""))
    if "SSL_CERT_FILE" not in env:
        bundles = [settings.get("cert", ""), *(environ.get(name, "") for name in _BUNDLES)]
        _put(env, "SSL_CERT_FILE", next((b for b in bundles if Path(b).is_file()), ""))
    _put(env, "SSL_CLIENT_CERT", env.get("SSL_CLIENT_CERT") or settings.get("client-cert", ""))
    for name, value in environ.items():
        # Poetry's for the source X: POETRY_HTTP_BASIC_X_USERNAME, …_PASSWORD
        if name.startswith(_POETRY):
            env.setdefault(f"UV_INDEX_{name.removeprefix(_POETRY)}", value)
    env["UV_PYTHON_DOWNLOADS"] = "never"
    if cache and not _can_write(_uv_cache(env)):
        env["UV_CACHE_DIR"] = str(cache)
    return env


def uv_arguments(environ: Mapping[str, str]) -> list[str]:
    """What uv has no variable for."""
    no_index = pip_settings(environ).get("no-index", "").lower() in ("1", "true", "yes", "on")
    return ["--no-index"] if no_index else []


def pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's effective settings for ``pip install``; lists are joined by spaces."""
    settings: dict[str, str] = {}
    for file in _files(environ):
        settings |= _read(file)
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return {name: " ".join(value.split()) for name, value in settings.items()}


def _files(environ: Mapping[str, str]) -> list[Path]:
    """pip's configuration files, the later one wins."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    home = Path(environ.get("HOME") or "/")
    if sys.platform == "darwin":
        shared = [Path("/Library/Application Support/pip/pip.conf")]
        support = home / "Library/Application Support/pip"
        user = support if support.is_dir() else home / ".config/pip"
    else:
        bases = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        shared = [Path(base) / "pip/pip.conf" for base in bases.split(":") if base]
        shared.append(Path("/etc/pip.conf"))
        user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
    files = [*shared, home / ".pip/pip.conf", user / "pip.conf", Path(sys.prefix) / "pip.conf"]
    return [*files, Path(chosen)] if chosen else files


def _read(file: Path) -> dict[str, str]:
    """``[global]``, and ``[install]`` over it. A file that pip refuses too says nothing here."""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    settings: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            options = parser.items(section)
            settings |= {name.lower().replace("_", "-"): value for name, value in options if value}
    return settings


def _uv_cache(env: Mapping[str, str]) -> Path:
    if chosen := env.get("UV_CACHE_DIR"):
        return Path(chosen)
    return Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or "/") / ".cache") / "uv"


def _can_write(path: Path) -> bool:
    existing = next(place for place in (path, *path.parents) if place.exists())
    return os.access(existing, os.W_OK | os.X_OK)


def _passes(name: str) -> bool:
    if name in _DROPPED:
        return False
    return not name.startswith("UV_") or name.startswith(_KEPT)


def _present(places: list[str]) -> list[str]:
    """`places` without directories that are missing: an error for uv, none for pip."""
    return [place for place in places if "://" in place or Path(place).expanduser().is_dir()]


def _put(env: dict[str, str], name: str, value: str) -> None:
    if value:
        env[name] = value
