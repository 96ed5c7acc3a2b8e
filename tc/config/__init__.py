"""Settings, resolved once before a command runs: config.yml, the env, the sandbox.

The file is ``infrastructure/tc/config.yml`` at the git root, or what
``TC_CONFIG_PATH`` names; without one everything has its default. Nothing here
imports botocore, and YAML is loaded only when there is a file to read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tc.config.profiles import aws_profiles
from tc.config.sections import (
    FILE_SYSTEM,
    NOTIFY,
    SANDBOX,
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
from tc.errors import InvalidInput, UsageError
from tc.load.suggest import did_you_mean
from tc.spec.names import NAME

if TYPE_CHECKING:
    from tc.spec.finding import Address, Finding

LOCAL = "local"
#: in `efs`, what holds for every env
DEFAULT = "default"
#: the key `stable`
STABLE_KEY = Key(
    "texts", "sandboxes that go live by versions and aliases; stable", SANDBOX, "stable"
)
CONFIG_FILE = Path("infrastructure/tc/config.yml")

#: key of an env -> what it is
ENV_KEYS = {
    "profile": "an AWS profile; without one, this machine's credentials",
    "region": "AWS region; the profile's",
    "account": "the only account that may be changed",
    "role": "ARN of a role to assume",
    "endpoint_url": "where AWS answers, for tests",
}
#: key of `roles` -> what it is
ROLE_KEYS = {
    "boundary": "ARN of a policy that no role goes beyond; may have {{account}}",
    "path_prefix": "what stands before the IAM path of every role",
}
#: key of `roles` -> what its value looks like, and one such (IAM API reference, CreateRole)
ROLE_SHAPES = {
    "boundary": (
        re.compile(
            r"arn:(?:[a-z-]+|\{\{\s*partition\s*\}\}):iam::"
            r"(?:\d{12}|aws|\{\{\s*account\s*\}\}):policy/[A-Za-z0-9_+=,.@/-]+"
        ),
        "arn:aws:iam::{{account}}:policy/boundary",
    ),
    "path_prefix": (re.compile(r"/[A-Za-z0-9_+=,.@/-]*"), "/team/"),
}
#: key of an env -> what its value looks like, and one such
SHAPES = {
    "region": (re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+"), "eu-west-1"),
    "account": (re.compile(r"\d{12}"), "012345678901"),
    "role": (
        re.compile(r"arn:[a-z-]+:iam::\d{12}:role/\S+"),
        "arn:aws:iam::012345678901:role/deploy",
    ),
    "endpoint_url": (re.compile(r"https?://\S+"), "http://127.0.0.1:4566"),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """Where things go: an AWS profile, ambient credentials, or the engine of ``-e local``.

    `profile` None means whatever credentials the machine has. `account` is the
    only account that may be changed, `role` the ARN of a role to assume.
    """

    name: str
    profile: str | None = None
    region: str | None = None
    account: str | None = None
    role: str | None = None
    endpoint_url: str | None = None
    local: bool = False


@dataclass(frozen=True, slots=True)
class Roles:
    """What holds for every role: the ARN of a permissions boundary, which may still have
    templates, and a path (``/team``) before its own; both empty for none."""

    boundary: str = ""
    path_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """config.yml; `path` is None when there is none."""

    path: Path | None = None
    envs: Mapping[str, Environment] = field(default_factory=dict)
    default_env: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    roles: Roles = Roles()
    layers: Layers = field(default_factory=Layers)
    artifacts: Artifacts = field(default_factory=Artifacts)
    builder: Builder = field(default_factory=Builder)
    efs: Mapping[str, FileSystem] = field(default_factory=dict)
    stable: tuple[str, ...] = STABLE
    versions: Versions = field(default_factory=Versions)
    release: Release = field(default_factory=Release)
    guards: Guards = field(default_factory=Guards)
    notify: Mapping[str, Notice] = field(default_factory=dict)

    def file_system(self, env: str) -> FileSystem:
        """The file system for assets in `env`: its own, else the one of all envs."""
        return self.efs.get(env) or self.efs.get(DEFAULT) or FileSystem()


def read_config(start: Path) -> Config:
    """The settings that hold in directory `start`.

    Raises InvalidInput with every problem of the file, UsageError when
    TC_CONFIG_PATH names no file.
    """
    path = _config_path(start)
    if path is None:
        return Config()
    from tc.load.reader import Reader

    reader = Reader(path.parent)
    data = reader.read_mapping(path, "config.yml")
    checker = _Checker(path)
    config = checker.config(data or {})
    # one whose lines are all comments is as good as none
    findings = [f for f in reader.findings if f.code != "empty"] + checker.findings
    if findings:
        from tc.load.locate import locate

        raise InvalidInput(locate(findings))
    return config


def _config_path(start: Path) -> Path | None:
    named = os.environ.get("TC_CONFIG_PATH")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise UsageError(
                "TC_CONFIG_PATH names no file",
                code="no-config",
                where=named,
                hint="correct TC_CONFIG_PATH, or unset it",
            )
        return path.resolve()
    start = start.resolve()
    for directory in (start, *start.parents):
        if (directory / ".git").exists():
            path = directory / CONFIG_FILE
            return path if path.exists() else None
    return None


class _Checker:
    """config.yml's plain data to `Config`; what is wrong goes to `findings`."""

    def __init__(self, path: Path):
        self.path = path
        self.findings: list[Finding] = []

    def config(self, data: dict[str, Any]) -> Config:
        from tc.spec.finding import Address

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
        said = {
            name: self._section(settings, address / name, NOTIFY)
            for name, settings in self._mapping(value, address).items()
        }
        for name, settings in said.items():
            if "url" not in settings:
                self._add("missing-key", f"`{name}` has no `url`", address / name, at="key")
        return {name: Notice(**settings) for name, settings in said.items()}

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
            message = f"`{text}` can't stand here"
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
        from tc.load.scalars import as_text

        if value is None:
            return None
        text = as_text(value)
        if isinstance(text, str) and not isinstance(value, bool):
            return text
        self._wrong_type("text", value, address)
        return None

    def _wrong_type(self, wanted: str, value: Any, address: Address) -> None:
        from tc.load.reader import kind_of

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
        from tc.spec.finding import Finding

        self.findings.append(Finding(code, message, address, hint, at=at))


def check_region(written: str | None) -> None:
    """Raises UsageError when the value of ``--region`` can't be a region."""
    pattern, example = SHAPES["region"]
    if written is not None and not pattern.fullmatch(written):
        raise UsageError(f"`{written}` is no AWS region", hint=f"write it like {example}")


def choose_env(name: str | None, config: Config) -> Environment:
    """The env that ``-e``, TC_ENV, ``default_env`` or AWS_PROFILE names, in this order.

    An entry of config.yml wins over an AWS profile of the same name. Raises
    UsageError with the names there are when none is named or none fits.
    """
    chosen = name or os.environ.get("TC_ENV") or config.default_env or os.environ.get("AWS_PROFILE")
    if chosen == LOCAL:
        return Environment(LOCAL, local=True)
    found = config.envs.get(chosen or "")
    if found is not None and found.profile is None:
        return found
    profiles = aws_profiles()
    known = sorted({LOCAL, *config.envs, *profiles})
    if not chosen:
        raise UsageError(
            "no env is chosen", code="no-env", hint=f"add -e with one of: {', '.join(known)}"
        )
    if found is None:
        found = Environment(chosen, profile=chosen)
    if found.profile in profiles:
        return found
    if chosen in config.envs:
        raise UsageError(
            f"env `{chosen}` uses the AWS profile `{found.profile}`, which doesn't exist",
            code="no-profile",
            where=str(config.path),
            hint=f"aws configure --profile {found.profile}",
        )
    raise UsageError(
        f"there is no env or AWS profile `{chosen}`",
        code="no-env",
        hint=did_you_mean(chosen, known) or f"there are: {', '.join(known)}",
    )


def choose_sandbox(name: str | None) -> str:
    """The sandbox that ``-s`` or TC_SANDBOX names; UsageError when none does."""
    chosen = name or os.environ.get("TC_SANDBOX")
    if not chosen:
        raise UsageError(
            "no sandbox is chosen", code="no-sandbox", hint="add -s NAME, or set TC_SANDBOX"
        )
    if not NAME.match(chosen):
        raise UsageError(
            f"`{chosen}` can't be a sandbox's name",
            code="sandbox-name",
            hint="use a-z, 0-9 and `-`, and don't start with `-`",
        )
    return chosen
