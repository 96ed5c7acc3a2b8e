"""Pipelines for CI: what is written for whom, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tc.errors import UsageError
from tc.places import templates_place
from tc.scaffold import ci
from tc.scaffold.files import File

PROJECT = ci.Project(
    branch="trunk",
    host="github.com",
    repository="acme/shop",
    dev=ci.Env("dev", "dev-admin", "111111111111"),
    qa=ci.Env("stage", "stage"),
    prod=ci.Env("prod", "prod", "333333333333"),
    stable="live",
)
PIPELINES = {
    "github": ".github/workflows/tc.yml",
    "gitlab": ".gitlab-ci.yml",
    "circleci": ".circleci/config.yml",
}


def written(provider: str, project: ci.Project = PROJECT) -> dict[str, str]:
    files = ci.pipeline_files(Path("/project"), provider, project)
    return {file.path.relative_to("/project").as_posix(): file.content for file in files}


@pytest.mark.parametrize("provider", ci.PROVIDERS)
def test_a_pipeline_names_the_projects_envs_and_nothing_is_left_to_fill_in(provider: str) -> None:
    text = written(provider)[PIPELINES[provider]]
    assert yaml.safe_load(text)
    assert "[=" not in text
    assert "[%" not in text
    assert "login dev-admin" in text or "profile: dev-admin" in text
    assert "-s live -e stage --format markdown" in text
    assert "tc promote --from stage --to prod -y" in text
    assert "-e dev --purge -y" in text
    if provider != "gitlab":
        assert "trunk" in text


@pytest.mark.parametrize("provider", ci.PROVIDERS)
def test_no_job_has_a_key_of_its_own_and_every_release_is_alone(provider: str) -> None:
    text = written(provider)[PIPELINES[provider]]
    assert "AWS_ACCESS_KEY" not in text
    assert "AWS_SECRET" not in text
    alone = {"github": "concurrency:", "gitlab": "resource_group:", "circleci": "serial-group:"}
    groups = [line for line in text.splitlines() if alone[provider] in line]
    assert sum("tc-release" in line for line in groups) == 1
    assert sum("tc-promote" in line for line in groups) == 1


def test_roles_trust_the_jobs_that_need_them() -> None:
    files = written("github")
    found = {
        name.removeprefix("infrastructure/ci/trust-").removesuffix(".json"): json.loads(text)
        for name, text in files.items()
        if "trust-" in name
    }
    issuer = "token.actions.githubusercontent.com"
    subjects = {
        name: one["Statement"][0]["Condition"]["StringEquals"][f"{issuer}:sub"]
        for name, one in found.items()
    }
    assert subjects == {
        "diff": ["repo:acme/shop:pull_request", "repo:acme/shop:environment:prod"],
        "dev": ["repo:acme/shop:pull_request", "repo:acme/shop:ref:refs/heads/trunk"],
        "qa": ["repo:acme/shop:ref:refs/heads/trunk"],
        "prod": ["repo:acme/shop:environment:prod"],
    }
    federated = {name: one["Statement"][0]["Principal"]["Federated"] for name, one in found.items()}
    assert federated["dev"] == f"arn:aws:iam::111111111111:oidc-provider/{issuer}"
    assert federated["qa"] == f"arn:aws:iam::ACCOUNT_ID:oidc-provider/{issuer}"


@pytest.mark.parametrize("provider", ["gitlab", "circleci"])
def test_only_the_released_branch_may_release(provider: str) -> None:
    files = written(provider)
    for role in ("qa", "prod"):
        policy = json.loads(files[f"infrastructure/ci/trust-{role}.json"])
        condition = json.dumps(policy["Statement"][0]["Condition"])
        assert "acme/shop" in condition
        assert "trunk" in condition
        subject = [one for one in condition.split('"') if "acme/shop" in one]
        assert all(one.endswith("trunk") for one in subject)


def test_what_could_be_more_than_a_word_is_refused_all_at_once() -> None:
    wrong = replace(PROJECT, branch="a; rm -rf /", stable="$(id)")
    with pytest.raises(UsageError) as refused:
        ci.pipeline_files(Path("/project"), "github", wrong)
    assert "`a; rm -rf /`, `$(id)`" in refused.value.message


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("git@github.com:acme/shop.git", ("github.com", "acme/shop")),
        ("https://github.com/acme/shop", ("github.com", "acme/shop")),
        ("https://ana:secret@gitlab.acme.io/team/shop.git", ("gitlab.acme.io", "team/shop")),
        ("ssh://git@gitlab.acme.io:2222/team/sub/shop.git", ("gitlab.acme.io", "team/sub/shop")),
        ("/srv/git/shop.git", ("", "")),
        ("../shop.git", ("", "")),
    ],
)
def test_where_a_remote_is(address: str, said: tuple[str, str], tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", address)
    assert ci.remote_of(tmp_path) == said


def test_the_provider_is_seen_from_files_then_from_the_remote(tmp_path: Path) -> None:
    assert ci.provider_of(tmp_path, "gitlab.acme.io") == "gitlab"
    (tmp_path / ".circleci").mkdir()
    assert ci.provider_of(tmp_path, "github.com") == "circleci"
    (tmp_path / ".github").mkdir()
    with pytest.raises(UsageError, match="pipelines of github and circleci") as unclear:
        ci.provider_of(tmp_path, "github.com")
    assert unclear.value.hint == "add --provider github, --provider gitlab or --provider circleci"
    with pytest.raises(UsageError, match="nothing here tells"):
        ci.provider_of(tmp_path / "else", "git.acme.io")


def test_a_pipeline_that_is_there_is_kept(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    theirs = tmp_path / ".gitlab-ci.yml"
    theirs.write_text("theirs: true\n")
    done = subprocess.run(
        [sys.executable, "-m", "tc", "scaffold", "--create", "ci"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Keeping file .gitlab-ci.yml" in done.stdout
    assert "TC_GITLAB_TOKEN" in done.stdout
    assert theirs.read_text() == "theirs: true\n"


def test_an_env_that_no_pipeline_can_log_in_to_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    config = tmp_path / "infrastructure/tc/config.yml"
    config.parent.mkdir(parents=True)
    envs = "{qa: {account: '111111111111'}, prod: {account: '111111111111'}}"
    config.write_text(f"envs: {envs}\n")
    done = subprocess.run(
        [sys.executable, "-m", "tc", "scaffold", "--create", "ci", "--provider", "github"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error[env-without-profile]: `qa`, `prod` of config.yml have no `profile`" in done.stderr
    assert not (tmp_path / ".github").exists()


def test_a_long_comment_is_cut_where_nothing_stays_open() -> None:
    script: dict[str, Any] = {"__name__": "pipeline"}
    file = templates_place() / "ci/all/infrastructure/ci/pipeline.py"
    exec(compile(file.read_text(), str(file), "exec"), script)
    fold = "<details><summary>x</summary>\n\n```diff\n" + "+ line\n" * 20_000 + "```\n</details>"
    cut = script["cut"]("mark\n" + fold)
    assert len(cut) <= script["LIMIT"]
    assert cut.count("```") == 2
    assert cut.count("<details>") == cut.count("</details>") == 1


def test_every_file_of_a_template_is_written() -> None:
    for provider in ci.PROVIDERS:
        place = templates_place() / "ci" / provider
        names = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()}
        assert names == {PIPELINES[provider]}
        assert names | {"infrastructure/ci/pipeline.py"} <= set(written(provider))
        assert all(isinstance(file, File) for file in ci.pipeline_files(Path(), provider, PROJECT))


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)
