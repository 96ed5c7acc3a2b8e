"""``tc scaffold --create ci``: what it makes of config.yml and git, and what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.config import Config
    from tc.scaffold.ci import Env
    from tc.scaffold.files import File

#: where each provider keeps what a pipeline is told
_VARIABLES = {
    "github": "Settings, Secrets and variables, Actions, Variables",
    "gitlab": "Settings, CI/CD, Variables",
    "circleci": "Organization Settings, Contexts, `tc`",
}
#: roles that every pipeline has
_USUAL = 4
#: what the pipeline pushes tags and writes comments with, where its own token can't
_TOKENS = {"github": "", "gitlab": "TC_GITLAB_TOKEN", "circleci": "GITHUB_TOKEN"}


def new_pipeline(provider: str) -> tuple[str, list[File], list[str]]:
    """Whose pipeline it is, its files, and the variables of its roles; `provider` is empty where
    git shall tell."""
    from tc.config import LOCAL, read_config
    from tc.errors import UsageError
    from tc.load.find import git_root
    from tc.scaffold import ci
    from tc.scaffold.files import check_inside

    root = git_root(Path.cwd())
    if root is None:
        raise UsageError(
            "this is no git repository, and pipelines are for one",
            code="no-git",
            hint="git init, then this again",
        )
    host, repository = ci.remote_of(root)
    provider = provider or ci.provider_of(root, host)
    config = read_config(root)
    dev = config.default_env if config.default_env not in (None, LOCAL, "") else "dev"
    assert dev
    layers, artifacts = config.layers.env, config.artifacts.env
    _check_profiles(config, (dev, config.release.env, "prod", layers, artifacts))
    project = ci.Project(
        branch=ci.branch_of(root),
        host=host,
        repository=repository,
        dev=_env(config, dev),
        qa=_env(config, config.release.env),
        prod=_env(config, "prod"),
        stable=config.release.sandbox,
        layers=_env(config, layers) if layers else None,
        artifacts=_env(config, artifacts) if artifacts else None,
    )
    files = ci.pipeline_files(root, provider, project)
    check_inside(files, root)
    return provider, files, list(project.roles)


def _check_profiles(config: Config, names: Sequence[str]) -> None:
    """Raises UsageError for every env of config.yml whose credentials no pipeline can give."""
    from tc.errors import UsageError

    entries = [name for name in dict.fromkeys(names) if name in config.envs]
    wrong = [name for name in entries if not config.envs[name].profile]
    if wrong:
        raise UsageError(
            f"{', '.join(f'`{name}`' for name in wrong)} of config.yml "
            f"{'have' if len(wrong) > 1 else 'has'} no `profile`, and a pipeline logs in to "
            "profiles",
            code="env-without-profile",
            where=str(config.path),
            hint=f"write `profile: {wrong[0]}` there",
        )


def _env(config: Config, name: str) -> Env:
    from tc.scaffold.ci import Env

    said = config.envs.get(name)
    if said is None:
        return Env(name, name)
    return Env(name, said.profile or name, said.account or "", said.region or "")


def tell_setup(run: Run, provider: str, roles: Sequence[str]) -> None:
    """What is left to do before the pipeline runs."""
    from tc.scaffold.ci import ROLES

    token = _TOKENS[provider]
    variables = [
        "TC_PACKAGE: what `pip install` takes to install tc",
        "AWS_REGION: the region, where profiles have no other",
        *(f"{name}: ARN of the role that {ROLES[name]}" for name in roles),
        *([f"{token}: a token that may comment and push tags"] if token else []),
    ]
    commands = [
        "tc compose -c deployer-policy -f json",
        "tc compose -c reader-policy -f json",
        *(["tc compose -c publisher-policy -f json"] if len(roles) > _USUAL else []),
    ]
    lines = [
        "To set it up:",
        "1. make the roles in AWS: who may assume them is in infrastructure/ci/trust-*.json,",
        "   what they may do is printed for each topology by",
        *(f"   {command}" for command in commands),
        f"2. set the variables ({_VARIABLES[provider]})",
        *(f"   {line}" for line in variables),
        "3. let somebody approve of promotions, and commit",
    ]
    data = {"commands": commands, "variables": [line.partition(":")[0] for line in variables]}
    run.emit(Event("next", "\n".join(lines), data))
