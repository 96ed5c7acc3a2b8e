"""`tc config`: every setting, and where it was said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_server import write_config

from tc.cli.schema import File, _schema

CONFIG = """\
default_env: dev
envs:
  dev: {profile: corp, account: 012345678901}
  qa:
    account: 111122223333
    region: eu-west-1
    role: arn:aws:iam::111122223333:role/deploy
    external_id: corp-7
    endpoint_url: http://bob:hunter2@127.0.0.1:4566/x
layers: {env: cicd, share: [012345678901, o-a1b2c3d4e5]}
builder: {images: {python3.12: base}}
notify: {team: {url: https://hooks.slack.com/services/T0/hunter2, envs: [prod]}}
guards: {envs: {stable: [qa, prod]}}
efs: {default: {access_point: fsap-0123456789}, dev: {keep: 2}}
"""
AWS = """\
[profile corp]
region = eu-north-1
sso_session = corp
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile keys]
role_arn = arn:aws:iam::1:role/x
source_profile = base
endpoint_url = http://127.0.0.1:1
"""
FILE = "infrastructure/tc/config.yml"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / FILE).parent.mkdir(parents=True)
    (project / FILE).write_text(CONFIG)
    write_config(home, AWS)
    (home / ".aws" / "credentials").write_text(
        "[base]\naws_access_key_id = AKIBASE\naws_secret_access_key = hunter2\n"
    )
    monkeypatch.chdir(project)
    return project


def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tc", "config", *arguments], capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "AKIBASE" not in done.stdout + done.stderr
    return done


def told(*arguments: str) -> dict[str, tuple[object, str]]:
    """key -> value and source"""
    events = [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]
    return {event["key"]: (event["value"], event["source"]) for event in events}


def test_each_value_is_told_with_its_source(home: Path) -> None:
    found = told()
    assert found["env"] == ("dev", f"{FILE}:1")
    assert found["profile"] == ("corp", f"{FILE}:3")
    assert found["region"] == ("eu-north-1", f"{home}/.aws/config, profile corp")
    assert found["account"] == ("012345678901", f"{FILE}:3")
    assert found["credentials"][0] == "the SSO login at https://corp.awsapps.com/start"
    assert found["layers.share"] == (["012345678901", "o-a1b2c3d4e5"], f"{FILE}:10")
    assert found["layers.part_size"] == (40, "default")
    assert found["builder.images.python3.12"] == ("base", f"{FILE}:11")
    assert found["notify.team.url"] == ("https://hooks.slack.com/…", f"{FILE}:12")
    assert found["guards.envs.stable"] == (["qa", "prod"], f"{FILE}:13")
    assert found["efs.dev.access_point"] == ("fsap-0123456789", f"{FILE}:14")
    assert found["efs.dev.mount_point"] == ("/mnt/assets", "default")
    assert found["envs.qa.endpoint_url"] == ("http://127.0.0.1:4566/x", f"{FILE}:9")
    assert found["state"] == (f"{home}/.local/state/tc", "default")


def test_what_is_nearer_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TC_ENV": "qa",
        "TC_SANDBOX": "bob",
        "AWS_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "AKIBASE",
        "HTTPS_PROXY": "http://bob:hunter2@proxy:3128",
        "TC_CACHE_DIR": "/tmp/cache",
    }.items():
        monkeypatch.setenv(name, value)
    found = told()
    assert found["env"] == ("qa", "$TC_ENV")
    assert found["sandbox"] == ("bob", "$TC_SANDBOX")
    assert found["region"] == ("eu-west-1", f"{FILE}:6")
    assert found["external_id"] == ("corp-7", f"{FILE}:8")
    assert found["credentials"] == ("an access key", "$AWS_ACCESS_KEY_ID")
    assert found["proxy"] == ("http://proxy:3128", "$HTTPS_PROXY")
    assert found["cache"] == ("/tmp/cache", "$TC_CACHE_DIR")
    assert told("-e", "dev")["region"] == ("us-west-2", "$AWS_REGION")
    asked = told("-e", "keys", "-s", "eve", "--region", "sa-east-1")
    assert asked["env"] == ("keys", "-e")
    assert asked["profile"] == ("keys", "-e")
    assert asked["sandbox"] == ("eve", "-s")
    assert asked["region"] == ("sa-east-1", "--region")
    assert asked["endpoint_url"] == ("http://127.0.0.1:1", f"{home}/.aws/config, profile keys")
    assert asked["credentials"][0] == "the role arn:aws:iam::1:role/x by way of base"
    assert told("-e", "base")["credentials"] == (
        "an access key",
        f"{home}/.aws/credentials, profile base",
    )
    assert told("-e", "local")["region"] == ("us-east-1", "default")


def test_one_is_printed_alone_for_scripts() -> None:
    assert run("region").stdout == "eu-north-1\n"
    assert run("layers.share").stdout == "012345678901, o-a1b2c3d4e5\n"
    assert run("role").stdout.strip() == ""
    table = run("layers").stdout.splitlines()
    assert [line.split()[0] for line in table[2:]] == [
        "layers.env",
        "layers.share",
        "layers.part_size",
        "layers.keep",
    ]


def test_the_table_has_what_is_set_and_defaults_that_say_something() -> None:
    keys = [line.split()[0] for line in run().stdout.splitlines()[2:]]
    assert {"env", "region", "layers.env", "layers.part_size", "release.env"} <= set(keys)
    assert not {"role", "sandbox", "artifacts.env", "builder.registry"} & set(keys)


def test_what_is_no_setting_is_refused() -> None:
    assert "did you mean `layers.env`?" in run("layer.env", code=2).stderr
    assert "there is no env or AWS profile `gone`" in run("-e", "gone", code=2).stderr


def test_an_env_that_is_not_there_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TC_ENV", "gone")
    done = run("layers.keep")
    assert done.stdout == "10\n"
    assert "warning: there is no env or AWS profile `gone`" in done.stderr


def test_wrong_settings_are_all_told(project: Path) -> None:
    (project / FILE).write_text("env: x\nguards: {cl: [a]}\n")
    said = run(code=2).stderr
    assert f"{FILE}:1:1: error[unknown-key]" in said
    assert f"{FILE}:2:10: error[unknown-key]" in said


def test_editors_get_every_key() -> None:
    properties = _schema(File.config)["properties"]
    for key in told():
        top, _, below = key.partition(".")
        if top not in properties:  # of the env and the machine, not of the file
            continue
        held = properties[top]
        for part in below.split(".")[:2] if below else ():
            more = held.get("additionalProperties")
            held = held.get("properties", {}).get(part) or more
            assert held, key
