from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tc.config import Config, Environment, choose_env, choose_sandbox, read_config
from tc.config.profiles import aws_profiles
from tc.config.sections import Artifacts, Builder, FileSystem, Layers
from tc.errors import InvalidInput, UsageError

GOOD = """\
envs:
  dev: {profile: corp-dev, region: eu-west-1, account: 012345678901}
  ci:
    account: 111122223333
    role: arn:aws:iam::111122223333:role/deploy
    endpoint_url: http://127.0.0.1:4566
default_env: dev
tags: {team: data, cost: 0042}
x-mine: [1, 2]
"""
NEITHER = (
    "has neither `profile` nor `account` | "
    "add `profile`, or `account` to use this machine's credentials"
)
CANT_BE_ACCOUNT = "can't be the `account` of an env | write it like 012345678901"
CANT_BE_ID = "can't be the `external_id` of an env | write it like corp-1234"
CANT_BE_REGION = "can't be the `region` of an env | write it like eu-west-1"
LIKE = "can't stand here | write it like"
RESERVED = "is reserved, as all that start with `aws:` or `tc:` | give it another name"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("AWS_", "TC_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (home / ".aws/config").write_text(
        "[default]\n[profile corp-dev]\n[profile 'my own']\n[other]\n"
    )
    (home / ".aws/credentials").write_text("[keys]\naws_access_key_id = A\n")
    return home


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repo = tmp_path / "repo"
    (repo / ".git").mkdir(parents=True)
    (repo / "infrastructure/tc").mkdir(parents=True)
    (repo / "etl").mkdir()
    monkeypatch.chdir(repo)
    return repo


def write(repo: Path, text: str) -> Path:
    path = repo / "infrastructure/tc/config.yml"
    path.write_text(text)
    return path


def test_the_file_is_found_at_the_git_root(repo: Path) -> None:
    path = write(repo, GOOD)
    config = read_config(repo / "etl")
    assert config.path == path
    assert config.envs == {
        "dev": Environment("dev", "corp-dev", "eu-west-1", "012345678901"),
        "ci": Environment(
            "ci",
            account="111122223333",
            role="arn:aws:iam::111122223333:role/deploy",
            endpoint_url="http://127.0.0.1:4566",
        ),
    }
    assert config.default_env == "dev"
    assert config.tags == {"team": "data", "cost": "0042"}


def test_without_a_file_there_are_defaults_and_no_yaml_is_loaded(repo: Path) -> None:
    assert read_config(repo) == Config()
    code = (
        "import sys; from pathlib import Path; from tc.config import *;"
        "read_config(Path('.')); choose_env('local', Config());"
        "print([m for m in ('yaml', 'botocore', 'pydantic') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_tc_config_path_wins(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repo, GOOD)
    other = tmp_path / "other.yml"
    other.write_text("default_env: local\n")
    monkeypatch.setenv("TC_CONFIG_PATH", str(other))
    assert read_config(repo).default_env == "local"
    other.unlink()
    with pytest.raises(UsageError) as caught:
        read_config(repo)
    assert caught.value.where == str(other)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "envs:\n"])
def test_a_file_that_says_nothing_is_no_error(repo: Path, text: str) -> None:
    write(repo, text)
    assert read_config(repo).envs == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("env: {}\n", "1:1 unknown-key `env` is not a key of config.yml | did you mean `envs`?"),
        (
            "envs:\n  dev: {profil: x, account: 012345678901}\n",
            "2:9 unknown-key `profil` is not a key of an env | did you mean `profile`?",
        ),
        (
            "guards: {clean: [Stable]}\n",
            "1:18 invalid-value `Stable` can't stand here | write it like stable",
        ),
        ("notify: {team: {envs: [qa]}}\n", "1:10 missing-key `team` has no `url` | "),
        (
            "guards: {envs: {stable: qa}}\n",
            "1:25 wrong-type `stable` must be a list, not text | ",
        ),
        ("envs: [dev]\n", "1:1 wrong-type `envs` must be a mapping, not a list | "),
        ("envs: {dev: x}\n", "1:13 wrong-type `dev` must be a mapping, not text | "),
        ("default_env: [x]\n", "1:1 wrong-type `default_env` must be text, not a list | "),
        (
            "envs: {dev: {profile: x, account: 1234}}\n",
            f"1:35 invalid-value `1234` {CANT_BE_ACCOUNT}",
        ),
        (
            "envs: {dev: {profile: x, region: Ireland}}\n",
            f"1:34 invalid-value `Ireland` {CANT_BE_REGION}",
        ),
        (
            "envs: {dev: {profile: x, external_id: a b}}\n",
            f"1:39 invalid-value `a b` {CANT_BE_ID}",
        ),
        (
            "envs:\n  ci: {region: eu-west-1}\n",
            f"2:3 missing-key env `ci` {NEITHER}",
        ),
        ("envs: {dev: }\n", f"1:8 missing-key env `dev` {NEITHER}"),
        (
            "envs: {local: {profile: x}}\n",
            "1:8 invalid-value `local` is tc's own env and can't be set | give it another name",
        ),
        (
            "tags: {'tc:functor': x}\n",
            f"1:8 invalid-value tag `tc:functor` {RESERVED}",
        ),
        (
            "layers: {env: cicd, share: 012345678901}\n",
            "1:28 wrong-type `share` must be a list, not text | ",
        ),
        (
            "layers: {share: [everyone]}\n",
            f"1:18 invalid-value `everyone` {LIKE} 012345678901, or o-a1b2c3d4e5",
        ),
        (
            "layers: {part_size: 0}\n",
            "1:21 invalid-value `part_size` must be a whole number above 0 | ",
        ),
        (
            "artifacts: {bucket: Not a bucket}\n",
            f"1:21 invalid-value `Not a bucket` {LIKE} artifacts-{{{{account}}}}-{{{{region}}}}",
        ),
        (
            "builder: {images: x}\n",
            "1:19 wrong-type `images` must be a mapping, not text | ",
        ),
        (
            "efs: {dev: {acces_point: x}}\n",
            "1:13 unknown-key `acces_point` is not a key of `dev` | did you mean `access_point`?",
        ),
        ("tags: {a: 1}\ntags: {a: 2}\n", "2:1 duplicate-key `tags` is here twice | take one out"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(repo: Path, text: str, problem: str) -> None:
    write(repo, text)
    with pytest.raises(InvalidInput) as caught:
        read_config(repo)
    assert [f"{p.line}:{p.col} {p.code} {p.message} | {p.hint}" for p in caught.value.problems] == [
        problem
    ]
    assert caught.value.problems[0].file == "infrastructure/tc/config.yml"


def test_what_is_said_of_building_is_read_and_the_rest_has_its_default(repo: Path) -> None:
    text = (
        "layers: {env: cicd, share: [012345678901, o-a1b2c3d4e5], part_size: 20}\n"
        "artifacts: {bucket: 'built-{{account}}'}\n"
        "builder: {images: {python3.12-arm64: base}}\n"
    )
    write(repo, text)
    config = read_config(repo)
    assert config.layers == Layers("cicd", ("012345678901", "o-a1b2c3d4e5"), 20, 10)
    assert config.artifacts == Artifacts("", "built-{{account}}")
    assert config.builder == Builder({"python3.12-arm64": "base"})
    write(repo, "")
    assert read_config(repo).layers.part_size == 40


def test_the_file_system_of_an_env_starts_from_the_one_of_all(repo: Path) -> None:
    text = (
        "efs:\n  default: {access_point: fsap-0123456789, keep: 5}\n  dev: {subnets: [subnet-1]}\n"
    )
    write(repo, text)
    config = read_config(repo)
    assert config.file_system("dev") == FileSystem("fsap-0123456789", subnets=("subnet-1",), keep=5)
    assert config.file_system("qa") == FileSystem("fsap-0123456789", keep=5)
    write(repo, "efs: {dev: {keep: 2}}\n")
    assert read_config(repo).file_system("qa") == FileSystem()


def test_releases_guards_and_notices(repo: Path) -> None:
    assert read_config(repo).stable == ("stable",)
    write(
        repo,
        "stable: [stable, live]\nversions: {keep: 3}\nrelease: {env: test}\n"
        "guards: {ci: [live], envs: {live: [qa, prod]}, approvals: {prod: 'ok-{{version}}'}}\n"
        "notify: {team: {url: 'ssm:/hook', envs: [prod]}}\n",
    )
    config = read_config(repo)
    assert config.stable == ("stable", "live")
    assert config.versions.keep == 3
    assert (config.release.env, config.release.sandbox) == ("test", "stable")
    assert config.guards.ci == ("live",)
    assert config.guards.envs == {"live": ("qa", "prod")}
    assert config.guards.approvals == {"prod": "ok-{{version}}"}
    assert config.notify["team"].url == "ssm:/hook"
    assert config.notify["team"].format == "slack"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("notify: {team: {url: 'htps://chat.example.com/hidden'}}\n", "invalid-value"),
        ("notify: {team: {urll: 'https://chat.example.com/hidden'}}\n", "unknown-key"),
        ("notify: {team: {url: https://chat.example.com/hidden: }\n", "syntax"),
    ],
)
def test_the_address_of_a_webhook_is_in_no_error(repo: Path, text: str, code: str) -> None:
    write(repo, text)
    with pytest.raises(InvalidInput) as caught:
        read_config(repo)
    assert code in [problem.code for problem in caught.value.problems]
    assert "hidden" not in repr(caught.value.problems)


def test_an_address_that_is_wrong_is_not_told_as_missing_too(repo: Path) -> None:
    write(repo, "notify: {team: {url: 'htps://chat.example.com'}}\n")
    with pytest.raises(InvalidInput) as caught:
        read_config(repo)
    assert [problem.code for problem in caught.value.problems] == ["invalid-value"]


def test_every_problem_is_said_in_one_run(repo: Path) -> None:
    write(repo, "env: {}\nguards: {cl: [a]}\ntags: [a]\n")
    with pytest.raises(InvalidInput) as caught:
        read_config(repo)
    assert [p.code for p in caught.value.problems] == ["unknown-key", "unknown-key", "wrong-type"]


def test_profiles_come_from_both_files() -> None:
    assert aws_profiles() == ["corp-dev", "default", "keys", "my own"]


def test_env_order(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(default_env="keys")
    monkeypatch.setenv("AWS_PROFILE", "default")
    assert choose_env(None, Config()) == Environment("default", profile="default")
    assert choose_env(None, config).name == "keys"
    monkeypatch.setenv("TC_ENV", "my own")
    assert choose_env(None, config).name == "my own"
    assert choose_env("corp-dev", config).name == "corp-dev"


def test_an_entry_of_the_file_wins_over_a_profile_of_its_name() -> None:
    entry = Environment("keys", profile="corp-dev", account="111122223333")
    assert choose_env("keys", Config(envs={"keys": entry})) is entry


def test_local_is_always_there_even_with_broken_aws_files(home: Path) -> None:
    (home / ".aws/config").write_text("garbage\n")
    assert choose_env("local", Config()) == Environment("local", local=True)
    with pytest.raises(UsageError) as caught:
        choose_env("keys", Config())
    assert caught.value.where == str(home / ".aws/config")


def test_no_env_lists_what_there_is() -> None:
    config = Config(envs={"ci": Environment("ci", account="111122223333")})
    with pytest.raises(UsageError) as caught:
        choose_env(None, config)
    assert caught.value.hint == ("add -e with one of: ci, corp-dev, default, keys, local, my own")


def test_an_unknown_env_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        choose_env("corpdev", Config())
    assert caught.value.message == "there is no env or AWS profile `corpdev`"
    assert caught.value.hint == "did you mean `corp-dev`?"
    config = Config(Path("c.yml"), envs={"qa": Environment("qa", profile="gone")})
    with pytest.raises(UsageError) as caught:
        choose_env("qa", config)
    assert caught.value.message == "env `qa` uses the AWS profile `gone`, which doesn't exist"
    assert caught.value.where == "c.yml"


def test_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_sandbox("bob") == "bob"
    with pytest.raises(UsageError):
        choose_sandbox(None)
    monkeypatch.setenv("TC_SANDBOX", "pr-123")
    assert choose_sandbox(None) == "pr-123"
    assert choose_sandbox("bob") == "bob"
    for bad in ("Bob", "-bob", "a_b", "a b", "bob\n"):
        with pytest.raises(UsageError, match="can't be a sandbox's name"):
            choose_sandbox(bad)


def test_roles_have_a_boundary_and_a_prefix(repo: Path) -> None:
    boundary = "arn:aws:iam::{{account}}:policy/team/edge"
    (repo / "infrastructure/tc/config.yml").write_text(
        f"roles: {{boundary: '{boundary}', path_prefix: /team/}}\n"
    )
    roles = read_config(repo).roles
    assert (roles.boundary, roles.path_prefix) == (boundary, "/team")


@pytest.mark.parametrize(
    "text", ["boundary: edge", "boundary: arn:aws:iam::1:role/x", "path_prefix: team", "path: /x"]
)
def test_wrong_roles_are_said(repo: Path, text: str) -> None:
    (repo / "infrastructure/tc/config.yml").write_text(f"roles: {{{text}}}\n")
    with pytest.raises(InvalidInput):
        read_config(repo)
