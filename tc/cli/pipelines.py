"""``tc scaffold --create ci``: what it makes of config.yml and git, and what is left to do."""

from __future__ import annotations

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
#: what the pipeline pushes tags and writes comments with, where its own token can't
_TOKENS = {"github": "", "gitlab": "TC_GITLAB_TOKEN", "circleci": "GITHUB_TOKEN"}


def new_pipeline(provider: str) -> tuple[str, list[File]]:
    """Whose pipeline it is, and its files; `provider` is empty where git shall tell."""
    from tc.config import read_config
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
    dev, qa, prod = _envs(config)
    branch = ci.branch_of(root)
    project = ci.Project(branch, host, repository, dev, qa, prod, config.release.sandbox)
    files = ci.pipeline_files(root, provider, project)
    check_inside(files, root)
    return provider, files


def _envs(config: Config) -> tuple[Env, Env, Env]:
    """Where pull requests, releases and promotions go.

    Raises UsageError for every env of config.yml whose credentials no pipeline can give.
    """
    from tc.config import LOCAL
    from tc.errors import UsageError
    from tc.scaffold.ci import Env

    dev = config.default_env if config.default_env not in (None, LOCAL, "") else "dev"
    assert dev
    names = (dev, config.release.env, "prod")
    wrong = [name for name in names if name in config.envs and not config.envs[name].profile]
    if wrong:
        raise UsageError(
            f"{', '.join(f'`{name}`' for name in wrong)} of config.yml "
            f"{'have' if len(wrong) > 1 else 'has'} no `profile`, and a pipeline logs in to "
            "profiles",
            code="env-without-profile",
            where=str(config.path),
            hint=f"write `profile: {wrong[0]}` there",
        )

    def env(name: str) -> Env:
        said = config.envs.get(name)
        return Env(
            name, (said.profile if said else None) or name, (said.account or "") if said else ""
        )

    return env(dev), env(config.release.env), env("prod")


def tell_setup(run: Run, provider: str) -> None:
    """What is left to do before the pipeline runs."""
    from tc.scaffold.ci import ROLES

    token = _TOKENS[provider]
    variables = [
        "TC_PACKAGE: what `pip install` takes to install tc",
        "AWS_REGION: the region, where profiles have no other",
        *(f"{name}: ARN of the role that {what}" for name, what in ROLES.items()),
        *([f"{token}: a token that may comment and push tags"] if token else []),
    ]
    commands = [
        "tc compose -c deployer-policy -f json",
        "tc compose -c reader-policy -f json",
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
