"""What must be so before a sandbox is changed: the guards of config.yml, and that it isn't frozen.

Looked at once, before the first write of a command and only when it has something to write. No
option gets past it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.config import Config
    from tc.errors import TcError
    from tc.plan.resource import Plan
    from tc.release.git import Repo

#: what CI systems set: GitHub, GitLab, CircleCI and most others CI; then those that don't
_CI = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "BUILDKITE",
    "CODEBUILD_BUILD_ID",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "BITBUCKET_BUILD_NUMBER",
)
#: commands that take nothing from the files here, so that what these are is no matter
_REMOVING = ("delete", "prune")
#: uncommitted files that are named
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sandbox can't be changed now, and the way out."""

    code: str
    text: str
    hint: str


def refuse(target: Target, plan: Plan, command: str) -> None:
    """Raises TcError with everything that forbids `command` to do `plan`; nothing is asked when
    there is nothing to do.

    `command` is its name (``create``). What is deployed is ``target.commit``, else the files here.
    """
    if plan.work:
        check(target, command, plan)


def check(target: Target, command: str, plan: Plan | None = None) -> None:
    """As `refuse`, whatever there is to do: for what takes long before there is a plan."""
    found = list(refusals(target, command, plan))
    if found:
        raise _error(target, found)


def warn(run: Run, target: Target, plan: Plan, command: str) -> None:
    """The same, told as warnings: what a dry run would be refused for."""
    for one in refusals(target, command, plan) if plan.work else ():
        data = {"code": one.code, "message": one.text, "hint": one.hint}
        run.emit(Event("warning", one.text, data))


def in_ci() -> bool:
    """Whether this runs in CI, as CI systems tell their jobs."""
    return any(os.environ.get(name, "").lower() not in ("", "0", "false") for name in _CI)


def refusals(target: Target, command: str, plan: Plan | None = None) -> Iterator[Refusal]:
    """Everything that forbids `command` now, the guards first."""
    from tc.config import read_config

    config = read_config(Path.cwd())
    yield from _ci(config, target)
    yield from _envs(config, target)
    if command not in _REMOVING:
        yield from _committed(config, target)
    yield from _frozen(target, plan)


def _error(target: Target, found: list[Refusal]) -> TcError:
    from tc.errors import TcError

    if len(found) == 1:
        return TcError(found[0].text, code=found[0].code, hint=found[0].hint)
    scope = target.scope
    lines = "\n  ".join(f"{one.text} ({one.hint})" for one in found)
    text = f"{scope.owner} can't be changed in {target.environment.name}:\n  {lines}"
    return TcError(text, code=found[0].code)


def _ci(config: Config, target: Target) -> Iterator[Refusal]:
    sandbox = target.scope.sandbox
    if sandbox in config.guards.ci and not in_ci():
        text = f"only CI changes the sandbox {sandbox} (guards.ci of {config.path})"
        yield Refusal("only-ci", text, "let the pipeline do it, or choose another sandbox")


def _envs(config: Config, target: Target) -> Iterator[Refusal]:
    sandbox, env = target.scope.sandbox, target.environment.name
    allowed = config.guards.envs.get(sandbox)
    if allowed is not None and env not in allowed:
        where = ", ".join(allowed) or "no env"
        text = (
            f"the sandbox {sandbox} isn't for {env}, only for {where} (guards.envs of "
            f"{config.path})"
        )
        yield Refusal("not-here", text, f"add -e with one of: {where}")


def _frozen(target: Target, plan: Plan | None) -> Iterator[Refusal]:
    from tc.deploy.frozen import frozen, tells

    env, family = target.environment.name, target.topology.family()
    # of what is nested, the functions in the plan say nothing
    if plan and len(family) == 1 and tells(plan):
        return
    for one in frozen(target.aws, [part.scope for part in family]):
        namespace, _, sandbox = one.owner.partition("@")
        hint = f"tc unfreeze --service {namespace} -s {sandbox} -e {env}"
        if not one.by:
            hint = f"aws ssm delete-parameter --name {one.parameter}"
        yield Refusal("frozen", one.text, hint)


def _committed(config: Config, target: Target) -> Iterator[Refusal]:
    """What git must say: nothing uncommitted, and the tag that approves of the commit."""
    clean = target.scope.sandbox in config.guards.clean
    tag = config.guards.approvals.get(target.environment.name, "")
    if not (clean or tag):
        return
    from tc.errors import TcError
    from tc.release.git import Repo

    guard = "guards.clean" if clean else "guards.approvals"
    try:
        repo = Repo.find(Path.cwd() if target.commit else target.spec.dir)
        if not target.commit:
            yield from _dirty(config, target, repo, guard)
        if tag:
            yield from _approved(config, target, repo, str(target.scope.fill(tag)))
    except TcError as error:
        text = f"git can't say what is deployed ({guard} of {config.path}): {error.message}"
        yield Refusal(error.code, text, error.hint or "git status")


def _dirty(config: Config, target: Target, repo: Repo, guard: str) -> Iterator[Refusal]:
    files = uncommitted(target, repo)
    if not files:
        return
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    named = ", ".join(files[:_NAMED])
    text = f"not committed: {named}{more} ({guard} of {config.path})"
    yield Refusal("dirty", text, "commit them, or `git stash -u` them")


def _approved(config: Config, target: Target, repo: Repo, tag: str) -> Iterator[Refusal]:
    env = target.environment.name
    commit = target.commit or repo.head()
    found = repo.find_tag(tag)
    by = f"guards.approvals of {config.path}"
    if found is None:
        text = f"{env} takes what has the tag {tag}, and there is no such tag here ({by})"
        yield Refusal("not-approved", text, f"git fetch --tags, or: git tag -a {tag} {commit[:12]}")
    elif found.sha != commit:
        text = (
            f"{env} takes what has the tag {tag}, which is on {found.sha[:12]}; this is "
            f"{commit[:12]} ({by})"
        )
        yield Refusal("not-approved", text, f"deploy {found.sha[:12]}, or have this approved")


def uncommitted(target: Target, repo: Repo) -> list[str]:
    """Files of the topology, and of what it depends on, that aren't as HEAD has them."""
    from tc.release.closure import closure_of

    closure = closure_of(target.spec, repo.root)
    return closure.only(repo.dirty(closure.watched))
