"""Pipelines for CI: what is written for whom, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

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


def test_the_envs_of_layers_and_versions_are_those_of_the_config(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    config = tmp_path / "infrastructure/tc/config.yml"
    config.parent.mkdir(parents=True)
    config.write_text("layers: {env: cicd}\nartifacts: {env: vault}\n")
    words = ("scaffold", "--create", "ci", "--provider", "github")
    said = subprocess.run(
        [sys.executable, "-m", "tc", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    text = (tmp_path / PIPELINES["github"]).read_text()
    assert text.count("login cicd") == 4
    assert text.count("login vault") == 2
    assert "TC_ROLE_LAYERS: ARN" in said
    assert "tc compose -c publisher-policy" in said


CENTRAL = replace(
    PROJECT,
    layers=ci.Env("cicd", "cicd", "444444444444"),
    artifacts=ci.Env("cicd", "cicd", "444444444444"),
)


def test_a_job_logs_in_once_to_each_account_that_it_needs() -> None:
    found = {job: [role for _, role in roles] for job, roles in CENTRAL.logins.items()}
    assert found == {
        "diff": ["TC_ROLE_DIFF", "TC_ROLE_LAYERS"],
        "sandbox": ["TC_ROLE_DEV", "TC_ROLE_LAYERS"],
        "delete": ["TC_ROLE_DEV"],
        # a file of profiles that has one twice can't be read
        "release": ["TC_ROLE_QA", "TC_ROLE_ARTIFACTS"],
        "promote": ["TC_ROLE_DIFF", "TC_ROLE_PROD", "TC_ROLE_ARTIFACTS"],
        "sweep": ["TC_ROLE_DEV"],
    }
    own = replace(CENTRAL, layers=PROJECT.dev, artifacts=None)
    assert [role for _, role in own.logins["sandbox"]] == ["TC_ROLE_DEV"]
    assert [role for _, role in own.logins["release"]] == ["TC_ROLE_QA", "TC_ROLE_LAYERS"]


@pytest.mark.parametrize("provider", ci.PROVIDERS)
def test_a_pipeline_logs_in_to_the_accounts_of_layers_and_versions(provider: str) -> None:
    files = written(provider, CENTRAL)
    text = files[PIPELINES[provider]]
    assert yaml.safe_load(text)
    assert text.count("TC_ROLE_LAYERS") == 2
    assert text.count("TC_ROLE_ARTIFACTS") == 2
    trusted = {
        name: json.loads(files[f"infrastructure/ci/trust-{name}.json"])["Statement"][0]
        for name in ("layers", "artifacts", "qa")
    }
    assert "444444444444" in trusted["layers"]["Principal"]["Federated"]
    # no job of a pull request writes versions
    assert "pull_request" not in json.dumps(trusted["artifacts"])
    assert "*" not in json.dumps(trusted["artifacts"]["Condition"]).replace("user/*", "")
    without = written(provider)
    assert "TC_ROLE_LAYERS" not in without[PIPELINES[provider]]
    assert "infrastructure/ci/trust-layers.json" not in without


def test_what_others_write_is_in_no_script_of_githubs() -> None:
    jobs = yaml.safe_load(written("github")[PIPELINES["github"]])["jobs"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert scripts
    # an expression is put into the script before a shell reads it: titles and branches could be
    # commands
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize("provider", ci.PROVIDERS)
def test_layers_are_published_where_the_sandbox_is(provider: str) -> None:
    text = written(provider)[PIPELINES[provider]]
    assert '--publish -e dev --region "$AWS_REGION" &&' in text
    there = replace(PROJECT, dev=replace(PROJECT.dev, region="eu-west-1"))
    assert "--publish -e dev --region eu-west-1 &&" in written(provider, there)[PIPELINES[provider]]


def pipeline_script(**variables: str) -> dict[str, Any]:
    """The script that jobs use, with these variables of theirs."""
    script: dict[str, Any] = {"__name__": "pipeline", "__file__": "/project/pipeline.py"}
    file = templates_place() / "ci/all/infrastructure/ci/pipeline.py"
    exec(compile(file.read_text(), str(file), "exec"), script)
    script["env"] = variables
    return script


def test_a_profile_asks_for_credentials_and_keeps_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "aws" / "config"
    script = pipeline_script(
        AWS_CONFIG_FILE=str(config), AWS_REGION="cn-north-1", TC_TOKEN="job-token", CI_JOB_ID="9"
    )
    asked: list[tuple[str, dict[str, list[str]]]] = []

    def fetch(method: str, url: str, headers: dict[str, str], data: bytes) -> bytes:
        asked.append((url, parse_qs(data.decode())))
        return b"""<A xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Result><Credentials>
            <AccessKeyId>key</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
            <SessionToken>session</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>
            </Credentials></Result></A>"""

    script["fetch"] = fetch
    role = "arn:aws-cn:iam::111111111111:role/ci"
    script["login"]("dev", role)
    assert config.read_text() == (
        f"\n[profile dev]\ncredential_process = {sys.executable} /project/pipeline.py credentials "
        f"{role}\nregion = cn-north-1\n"
    )
    assert "secret" not in capsys.readouterr().out
    script["credentials"](role)
    assert json.loads(capsys.readouterr().out) == {
        "Version": 1,
        "AccessKeyId": "key",
        "SecretAccessKey": "secret",
        "SessionToken": "session",
        "Expiration": "2030-01-01T00:00:00Z",
    }
    assert [url for url, _ in asked] == ["https://sts.cn-north-1.amazonaws.com.cn"] * 2
    assert asked[1][1]["WebIdentityToken"] == ["job-token"]
    assert asked[1][1]["RoleSessionName"] == ["tc-9"]
    with pytest.raises(SystemExit, match="the variable with the role for dev is not set"):
        script["login"]("dev", "")


def test_a_long_comment_is_cut_where_nothing_stays_open() -> None:
    script = pipeline_script()
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
