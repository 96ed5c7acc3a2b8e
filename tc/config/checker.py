"""config.yml checked, key by key; loaded only where there is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from tc.config import (
    DEFAULT,
    ENV_KEYS,
    LOCAL,
    ROLE_KEYS,
    ROLE_SHAPES,
    SHAPES,
    STABLE_KEY,
    Config,
    Environment,
    Roles,
)
from tc.config.sections import (
    FILE_SYSTEM,
    NOTIFY,
    SECTIONS,
    STABLE,
    Artifacts,
    Builder,
    FileSystem,
    Guards,
    Key,
    Layers,
    Notice,
    Release,
    Versions,
)
from tc.load.reader import kind_of
from tc.load.scalars import as_text
from tc.load.suggest import did_you_mean
from tc.spec.finding import Address, Finding


class Checker:
    """config.yml's plain data to `Config`; what is wrong goes to `findings`."""

    def __init__(self, path: Path):
        self.path = path
        self.findings: list[Finding] = []

    def config(self, data: dict[str, Any]) -> Config:
        top = Address(self.path)
        known = ("envs", "default_env", "roles", "tags", "efs", "notify", "stable", *SECTIONS)
        self._keys(data, top, known, "config.yml")
        made = {
            name: self._section(data.get(name), top / name, keys) for name, keys in SECTIONS.items()
        }
        envs = self._mapping(data.get("envs"), top / "envs")
        tags = self._mapping(data.get("tags"), top / "tags")
        return Config(
            path=self.path,
            envs={n: self._environment(n, v, top / "envs" / n) for n, v in envs.items()},
            default_env=self._text(data.get("default_env"), top / "default_env"),
            tags={n: self._tag(n, v, top / "tags" / n) for n, v in tags.items()},
            roles=self._roles(data.get("roles"), top / "roles"),
            layers=Layers(**made["layers"]),
            artifacts=Artifacts(**made["artifacts"]),
            builder=Builder(**made["builder"]),
            efs=self._file_systems(data.get("efs"), top / "efs"),
            stable=self._stable(data.get("stable"), top / "stable"),
            versions=Versions(**made["versions"]),
            release=Release(**made["release"]),
            guards=Guards(**made["guards"]),
            notify=self._notices(data.get("notify"), top / "notify"),
        )

    def _stable(self, value: Any, address: Address) -> tuple[str, ...]:
        """The sandboxes that go live by versions and aliases."""
        if value is None:
            return STABLE
        return self._value(value, address, STABLE_KEY) or ()

    def _notices(self, value: Any, address: Address) -> dict[str, Notice]:
        written = self._mapping(value, address)
        for name, settings in written.items():
            if settings is None or (isinstance(settings, dict) and settings.get("url") is None):
                self._add("missing-key", f"`{name}` has no `url`", address / name, at="key")
        return {
            name: Notice(**self._section(settings, address / name, NOTIFY))
            for name, settings in written.items()
        }

    def _file_systems(self, value: Any, address: Address) -> dict[str, FileSystem]:
        """Each env's, with what `default` says besides."""
        said = {
            name: self._section(settings, address / name, FILE_SYSTEM)
            for name, settings in self._mapping(value, address).items()
        }
        default = said.get(DEFAULT, {})
        return {name: FileSystem(**{**default, **settings}) for name, settings in said.items()}

    def _section(self, value: Any, address: Address, keys: Mapping[str, Key]) -> dict[str, Any]:
        """What was written of a section, as its class takes it."""
        settings = self._mapping(value, address)
        self._keys(settings, address, keys, f"`{address.path[-1]}`")
        made: dict[str, Any] = {}
        for name, key in keys.items():
            if settings.get(name) is not None:
                found = self._value(settings[name], address / name, key)
                made |= {name: found} if found is not None else {}
        return made

    def _value(self, value: Any, address: Address, key: Key) -> Any:
        if key.kind == "count":
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
            message = f"`{address.path[-1]}` must be a whole number above 0"
            self._add("invalid-value", message, address)
            return None
        if key.kind == "map":
            pairs = self._mapping(value, address)
            return {name: self._text(one, address / name) or "" for name, one in pairs.items()}
        if key.kind == "lists":
            lists = self._mapping(value, address)
            texts_of = Key("texts", "", key.pattern, key.example)
            return {
                name: self._value(one, address / name, texts_of) or ()
                for name, one in lists.items()
            }
        many = key.kind == "texts"
        if many and not isinstance(value, list):
            self._wrong_type("a list", value, address)
            return None
        places = [(one, address / index) for index, one in enumerate(value)] if many else None
        texts = [self._shaped(one, at, key) for one, at in places or [(value, address)]]
        good = tuple(text for text in texts if text)
        return good if many else good[0] if good else None

    def _shaped(self, value: Any, address: Address, key: Key) -> str | None:
        text = self._text(value, address)
        if text and key.pattern and not key.pattern.fullmatch(text):
            message = "this can't stand here" if key.secret else f"`{text}` can't stand here"
            self._add("invalid-value", message, address, f"write it like {key.example}")
            return None
        return text

    def _roles(self, value: Any, address: Address) -> Roles:
        settings = self._mapping(value, address)
        self._keys(settings, address, ROLE_KEYS, "`roles`")
        texts = {key: self._text(settings.get(key), address / key) or "" for key in ROLE_KEYS}
        for key, (pattern, example) in ROLE_SHAPES.items():
            if texts[key] and not pattern.fullmatch(texts[key]):
                message = f"`{texts[key]}` can't be the `{key}` of roles"
                self._add("invalid-value", message, address / key, f"write it like {example}")
        return Roles(texts["boundary"], texts["path_prefix"].rstrip("/"))

    def _environment(self, name: str, value: Any, address: Address) -> Environment:
        settings = self._mapping(value, address)
        self._keys(settings, address, ENV_KEYS, "an env")
        texts = {key: self._text(settings.get(key), address / key) for key in ENV_KEYS}
        for key, (pattern, example) in SHAPES.items():
            text = texts[key]
            if text is not None and not pattern.fullmatch(text):
                message = f"`{text}` can't be the `{key}` of an env"
                self._add("invalid-value", message, address / key, f"write it like {example}")
        if name == LOCAL:
            message = "`local` is tc's own env and can't be set"
            self._add("invalid-value", message, address, "give it another name", at="key")
        elif isinstance(value, dict | None) and not (
            settings.get("profile") or settings.get("account")
        ):
            self._add(
                "missing-key",
                f"env `{name}` has neither `profile` nor `account`",
                address,
                "add `profile`, or `account` to use this machine's credentials",
                at="key",
            )
        return Environment(
            name,
            profile=texts["profile"],
            region=texts["region"],
            account=texts["account"],
            role=texts["role"],
            endpoint_url=texts["endpoint_url"],
            external_id=texts["external_id"],
        )

    def _tag(self, name: str, value: Any, address: Address) -> str:
        if name.lower().startswith(("aws:", "tc:")):
            message = f"tag `{name}` is reserved, as all that start with `aws:` or `tc:`"
            self._add("invalid-value", message, address, "give it another name", at="key")
        return self._text(value, address) or ""

    def _keys(
        self,
        data: dict[str, Any],
        address: Address,
        known: Collection[str],
        what: str,
    ) -> None:
        for key in data:
            if key in known or key.startswith("x-"):
                continue
            hint = did_you_mean(key, known)
            message = f"`{key}` is not a key of {what}"
            self._add("unknown-key", message, address / key, hint, at="key")

    def _mapping(self, value: Any, address: Address) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self._wrong_type("a mapping", value, address)
        return {}

    def _text(self, value: Any, address: Address) -> str | None:
        """Text; a number is taken as it was written (``012345678901``)."""
        if value is None:
            return None
        text = as_text(value)
        if isinstance(text, str) and not isinstance(value, bool):
            return text
        self._wrong_type("text", value, address)
        return None

    def _wrong_type(self, wanted: str, value: Any, address: Address) -> None:
        message = f"`{address.path[-1]}` must be {wanted}, not {kind_of(value)}"
        self._add("wrong-type", message, address)

    def _add(
        self,
        code: str,
        message: str,
        address: Address,
        hint: str = "",
        at: Literal["key", "value"] = "value",
    ) -> None:
        self.findings.append(Finding(code, message, address, hint, at=at))
