"""Settings, resolved once before a command runs: config.yml, the env, the sandbox.

The file is ``infrastructure/tc/config.yml`` at the git root, or what
``TC_CONFIG_PATH`` names; without one everything has its default. Nothing here
imports botocore, and YAML is loaded only when there is a file to read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tc.config.profiles import aws_profiles
from tc.config.sections import (
    SANDBOX,
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
from tc.errors import InvalidInput, Problem, UsageError
from tc.load.suggest import did_you_mean
from tc.records import dataclass
from tc.spec.names import NAME

if TYPE_CHECKING:
    from tc.spec.finding import Finding

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
    "external_id": "what the role's trust policy asks of who assumes it",
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
    "external_id": (re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII), "corp-1234"),
    "endpoint_url": (re.compile(r"https?://\S+"), "http://127.0.0.1:4566"),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """Where things go: an AWS profile, ambient credentials, or the engine of ``-e local``.

    `profile` None means whatever credentials the machine has. `account` is the
    only account that may be changed, `role` the ARN of a role to assume, with `external_id`
    where its trust policy asks for one.
    """

    name: str
    profile: str | None = None
    region: str | None = None
    account: str | None = None
    role: str | None = None
    endpoint_url: str | None = None
    local: bool = False
    external_id: str | None = None


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
    from tc.config.checker import Checker
    from tc.load.reader import Reader

    reader = Reader(path.parent)
    data = reader.read_mapping(path, "config.yml")
    checker = Checker(path)
    config = checker.config(data or {})
    # one whose lines are all comments is as good as none
    findings = [f for f in reader.findings if f.code != "empty"] + checker.findings
    if findings:
        raise InvalidInput(_problems(findings))
    return config


def _problems(findings: Iterable[Finding]) -> list[Problem]:
    """`findings` with their places; without the line itself where a webhook may stand on it,
    whose address is a secret."""
    from tc.load.locate import locate

    found: list[Problem] = []
    for finding in findings:
        hidden = finding.address.path[:1] == ("notify",)
        for problem in locate([finding]):
            hides = hidden or (not finding.address.path and "://" in problem.source)
            found.append(replace(problem, source="") if hides else problem)
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.col))


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
