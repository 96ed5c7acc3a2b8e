"""Pipelines for CI: filled-in templates, and the trust policies of the roles that they assume."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tc.errors import TcError, UsageError
from tc.places import templates_place
from tc.records import dataclass
from tc.scaffold.files import File

PROVIDERS = ("github", "gitlab", "circleci")
#: what names a provider in the address of a remote
_HOSTS = {"github": "github", "gitlab": "gitlab"}
#: what is in a repository that a provider's pipelines run for
_SIGNS = {"github": ".github", "gitlab": ".gitlab-ci.yml", "circleci": ".circleci"}
#: where the policies are written
_POLICIES = Path("infrastructure/ci")
#: variable with a role's ARN -> what the role does
ROLES: Mapping[str, str] = {
    "TC_ROLE_DIFF": "looks at the env of releases",
    "TC_ROLE_DEV": "makes and deletes sandboxes of pull requests",
    "TC_ROLE_QA": "releases",
    "TC_ROLE_PROD": "promotes",
    "TC_ROLE_LAYERS": "publishes layers to `layers.env`",
    "TC_ROLE_ARTIFACTS": "keeps versions in `artifacts.env`, and their layers",
}
#: job -> the roles that it takes, of which the first of an account is the one
_JOBS: Mapping[str, tuple[str, ...]] = {
    "diff": ("TC_ROLE_DIFF", "TC_ROLE_LAYERS"),
    "sandbox": ("TC_ROLE_DEV", "TC_ROLE_LAYERS"),
    "delete": ("TC_ROLE_DEV",),
    "release": ("TC_ROLE_QA", "TC_ROLE_ARTIFACTS", "TC_ROLE_LAYERS"),
    "promote": ("TC_ROLE_DIFF", "TC_ROLE_PROD", "TC_ROLE_ARTIFACTS", "TC_ROLE_LAYERS"),
    "sweep": ("TC_ROLE_DEV",),
}
#: what may stand in a pipeline without quotes
_PLAIN = re.compile(r"[A-Za-z0-9][\w./-]*\Z", re.ASCII)
#: ``git@host:owner/name.git``, ``https://host/owner/name.git``, ``ssh://git@host:22/owner/name``
_REMOTE = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^:/]+)(?::\d+(?=/))?[:/](?P<path>.+?)(?:\.git)?/?\Z"
)
_GIT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Env:
    """An env of config.yml as a pipeline needs it; `account` and `region` are empty where nothing
    says them."""

    name: str
    profile: str
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """What a pipeline is made for. `host` and `repository` (``owner/name``) are the remote's,
    empty without one; `layers` and `artifacts` the envs that config.yml keeps these in."""

    branch: str
    host: str
    repository: str
    dev: Env
    qa: Env
    prod: Env
    stable: str = "stable"
    layers: Env | None = None
    artifacts: Env | None = None

    @property
    def roles(self) -> dict[str, Env]:
        """The env of each role that there is."""
        found = {
            "TC_ROLE_DIFF": self.qa,
            "TC_ROLE_DEV": self.dev,
            "TC_ROLE_QA": self.qa,
            "TC_ROLE_PROD": self.prod,
            "TC_ROLE_LAYERS": self.layers,
            "TC_ROLE_ARTIFACTS": self.artifacts,
        }
        return {role: env for role, env in found.items() if env}

    @property
    def logins(self) -> dict[str, list[tuple[Env, str]]]:
        """The envs that each job logs in to, with the variables of their roles; each profile
        once."""
        found: dict[str, list[tuple[Env, str]]] = {}
        for job, roles in _JOBS.items():
            there = [(self.roles[role], role) for role in roles if role in self.roles]
            first = {env.profile: (env, role) for env, role in reversed(there)}
            found[job] = [one for one in there if first[one[0].profile] == one]
        return found


def remote_of(root: Path) -> tuple[str, str]:
    """Host and ``owner/name`` of the remote `origin`; empty where there is none, or is a
    directory."""
    address = _git(root, "remote", "get-url", "origin")
    found = (
        _REMOTE.match(address) if address and not address.startswith(("/", ".", "file:")) else None
    )
    return (found["host"].lower(), found["path"]) if found else ("", "")


def branch_of(root: Path) -> str:
    """The branch that is released: the remote's default, else the one checked out, else main."""
    head = _git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    here = _git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    return head.removeprefix("origin/") or here or "main"


def _git(root: Path, *words: str) -> str:
    """What git says, empty where it refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def provider_of(root: Path, host: str) -> str:
    """The provider of the repository's pipelines, seen from what is in it, else from its remote.

    Raises UsageError ``no-provider`` when nothing, or more than one thing, says it.
    """
    there = [name for name, sign in _SIGNS.items() if (root / sign).exists()]
    found = there or [name for name, word in _HOSTS.items() if word in host]
    if len(found) == 1:
        return found[0]
    why = f"there are pipelines of {' and '.join(found)}" if found else "nothing here tells"
    raise UsageError(
        f"whose pipelines they shall be isn't clear: {why}",
        code="no-provider",
        hint=f"add --provider {', --provider '.join(PROVIDERS[:-1])} or --provider {PROVIDERS[-1]}",
    )


def pipeline_files(root: Path, provider: str, project: Project) -> list[File]:
    """The pipeline of `provider`, the script that its jobs use, and the trust policies.

    Raises UsageError for what can't stand in a pipeline, all of it at once.
    """
    _check(project)
    files = [
        File(root / name, text)
        for directory in (provider, "all")
        for name, text in _rendered(templates_place() / "ci" / directory, project)
    ]
    policies = _trust(provider, project)
    below = root / _POLICIES
    return [
        *files,
        *(
            File(below / f"trust-{role.removeprefix('TC_ROLE_').lower()}.json", _json(policy))
            for role, policy in policies.items()
        ),
    ]


def _check(project: Project) -> None:
    envs = project.roles.values()
    values = [project.branch, project.stable, *(e.name for e in envs), *(e.profile for e in envs)]
    values += [env.region for env in envs if env.region]
    wrong = [f"`{value}`" for value in dict.fromkeys(values) if not _PLAIN.match(value)]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)} can't stand in a pipeline: letters, digits and - _ . / only",
            code="invalid-name",
        )


def _rendered(directory: Path, project: Project) -> Iterator[tuple[str, str]]:
    """Each file of `directory`, filled in: its path from there, and its text."""
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # the usual marks are GitHub's and CircleCI's own
    environment = ImmutableSandboxedEnvironment(
        variable_start_string="[=",
        variable_end_string="=]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        # YAML, of values that `_check` has looked at
        autoescape=False,
    )
    words = {
        "branch": project.branch,
        "stable": project.stable,
        "dev": project.dev,
        "qa": project.qa,
        "prod": project.prod,
        "logins": project.logins,
    }
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        if file.suffix == ".pyc":
            continue
        name = file.relative_to(directory).as_posix()
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".yml":
            try:
                text = environment.from_string(text).render(words)
            except TemplateError as error:
                raise TcError(f"{name} can't be filled in: {error}", code="template") from error
        yield name, text


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _trust(provider: str, project: Project) -> dict[str, dict[str, Any]]:
    """The trust policy of each role: only jobs of this repository, by branch or environment."""
    issuer, audience, subjects = _subjects(provider, project)
    return {
        role: _trusting(env.account or "ACCOUNT_ID", issuer, audience, subjects[role])
        for role, env in project.roles.items()
    }


def _subjects(provider: str, project: Project) -> tuple[str, str, dict[str, list[str]]]:
    """Who issues a job's token, for whom, and the subjects that may assume each role (the
    providers' documents of their OpenID Connect tokens)."""
    repository = project.repository or "OWNER/REPOSITORY"
    if provider == "github":
        start = f"repo:{repository}"
        pull, branch = f"{start}:pull_request", f"{start}:ref:refs/heads/{project.branch}"
        promoting = f"{start}:environment:{project.prod.name}"
        return (
            "token.actions.githubusercontent.com",
            "sts.amazonaws.com",
            {
                "TC_ROLE_DIFF": [pull, promoting],
                "TC_ROLE_DEV": [pull, branch],
                "TC_ROLE_QA": [branch],
                "TC_ROLE_PROD": [promoting],
                "TC_ROLE_LAYERS": [pull, branch, promoting],
                "TC_ROLE_ARTIFACTS": [branch, promoting],
            },
        )
    if provider == "gitlab":
        start = f"project_path:{repository}:ref_type:branch:ref"
        host, audience = project.host or "gitlab.com", "sts.amazonaws.com"
    else:
        origin = f"{project.host or 'github.com'}/{repository}"
        start = f"org/ORGANIZATION_ID/project/PROJECT_ID/user/*/vcs-origin/{origin}"
        start += "/vcs-ref/refs/heads"
        host, audience = "oidc.circleci.com/org/ORGANIZATION_ID", "ORGANIZATION_ID"
    mark = ":" if provider == "gitlab" else "/"
    every, branch = f"{start}{mark}*", f"{start}{mark}{project.branch}"
    anybody = ("TC_ROLE_DIFF", "TC_ROLE_DEV", "TC_ROLE_LAYERS")
    return host, audience, {role: [every if role in anybody else branch] for role in ROLES}


def _trusting(account: str, issuer: str, audience: str, subjects: Sequence[str]) -> dict[str, Any]:
    exact = not any("*" in subject for subject in subjects)
    named = {f"{issuer}:sub": list(subjects)}
    conditions: dict[str, dict[str, Any]] = {"StringEquals": {f"{issuer}:aud": audience}}
    if exact:
        conditions["StringEquals"] |= named
    else:
        conditions["StringLike"] = named
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{issuer}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": conditions,
            }
        ],
    }
