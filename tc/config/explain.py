"""Every setting of config.yml with its value, and where that was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tc.config import ENV_KEYS, ROLE_KEYS, Config
from tc.config.sections import FILE_SYSTEM, NOTIFY, SECTIONS
from tc.records import dataclass

#: where a value comes from that nobody has set
UNSET = "default"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """`key` as it is asked for (``layers.part_size``), its value as text, number, list of texts
    or None, and its source: `default`, ``FILE:LINE``, a variable (``$TC_ENV``), an option."""

    key: str
    value: Any
    source: str

    @property
    def is_set(self) -> bool:
        return self.source != UNSET

    @property
    def text(self) -> str:
        """The value on one line; empty when there is none."""
        if isinstance(self.value, list | tuple):
            return ", ".join(map(str, self.value))
        return "" if self.value is None else str(self.value)


def settings(config: Config) -> list[Setting]:
    """Those of config.yml in the order of its schema; secrets in addresses are left out."""
    found = dict(_values(config))
    written = _written(config)
    return [
        Setting(".".join(path), _plain(path, value), _source(path, written))
        for path, value in found.items()
    ]


def _values(config: Config) -> Iterator[tuple[Path, Any]]:
    yield ("default_env",), config.default_env
    for name, env in config.envs.items():
        yield from _section(("envs", name), env, ENV_KEYS)
    yield from _section(("roles",), config.roles, ROLE_KEYS)
    for section, keys in SECTIONS.items():
        yield from _section((section,), getattr(config, section), keys)
    for name, system in config.efs.items():
        yield from _section(("efs", name), system, FILE_SYSTEM)
    yield ("stable",), config.stable
    for name, notice in config.notify.items():
        yield from _section(("notify", name), notice, NOTIFY)
    yield from _opened(("tags",), config.tags)


def _section(path: Path, holder: object, keys: Iterable[str]) -> Iterator[tuple[Path, Any]]:
    for key in keys:
        yield from _opened((*path, key), getattr(holder, key))


def _opened(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """A mapping by its keys; an empty one by itself."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield (*path, name), inner
    else:
        yield path, None if isinstance(value, Mapping) else value


def _plain(path: Path, value: Any) -> Any:
    if path[0] == "notify" and path[-1] == "url":
        return address(value, path=False)
    if path[-1] == "endpoint_url":
        return address(value)
    return list(value) if isinstance(value, tuple) else value or None


def address(url: str | None, *, path: bool = True) -> str | None:
    """An address without its user and password; without its path, which may be as secret, too
    unless `path`. What is no address is left as it is."""
    parts = urlsplit(url or "")
    if not url or not parts.hostname:
        return url or None
    host = parts.netloc.rpartition("@")[2]
    rest = parts.path if path else "/…" if parts.path.strip("/") else ""
    return f"{parts.scheme}://{host}{rest}"


def _source(path: Path, written: Mapping[Path, str]) -> str:
    if path in written:
        return written[path]
    if path[0] == "efs" and (everywhere := ("efs", "default", path[-1])) in written:
        return written[everywhere]
    return UNSET


def _written(config: Config) -> dict[Path, str]:
    """What config.yml says, each with its ``file:line``."""
    if config.path is None:
        return {}
    from tc.load.locate import locate
    from tc.load.reader import Reader
    from tc.spec.finding import Address, Finding

    data = Reader(config.path.parent).read_mapping(config.path, "config.yml") or {}
    paths = {"\0".join(path): path for path in _paths(data)}
    findings = []
    for name, path in paths.items():
        place = Address(config.path)
        for key in path:
            place = place / key
        findings.append(Finding(UNSET, name, place))
    return {paths[p.message]: f"{p.file}:{p.line}" for p in locate(findings)}


def _paths(data: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    for key, value in data.items():
        if value is None:
            continue
        yield (*above, str(key))
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, str(key)))
