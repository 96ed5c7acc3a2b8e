"""What a user meets at the prompt: help, wrong options, envs that can't be used, exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from e2e_proxy import Call, Refusal
from e2e_support import ACCOUNT, Lab, Project, copied, deployed

pytestmark = pytest.mark.engine

COMMANDS = [
    *("create", "update", "diff", "delete", "invoke", "logs", "list"),
    *("compose", "validate", "resolve", "login"),
    *("local.start", "local.stop", "local.status", "local.reset"),
]
EXPIRED_PROCESS = (
    """sh -c 'echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"A\\",\\"SecretAccessKey\\":\\"B\\","""
    """\\"SessionToken\\":\\"C\\",\\"Expiration\\":\\"2020-01-01T00:00:00Z\\"}"'"""
)


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with every kind of env that can't be used, in its config and its user's."""
    made = copied(lab, "http", tmp_path_factory.mktemp("commands"), env="aws")
    url = lab.proxy.url
    lab.profile("no-region", region="", endpoint_url=url)
    lab.profile("dead", endpoint_url="http://127.0.0.1:9")
    lab.profile("broken", endpoint_url=url, credential_process="false")
    lab.profile("old", endpoint_url=url, credential_process=EXPIRED_PROCESS)
    lab.profile(
        "sso",
        credential_process="",
        sso_start_url="https://example.awsapps.com/start",
        sso_region="us-east-1",
        sso_account_id=ACCOUNT,
        sso_role_name="dev",
    )
    lab.profile("empty", endpoint_url=url, credential_process="")
    made.write(
        {
            "infrastructure/tc/config.yml": f"""\
envs:
  other: {{ profile: aws, account: '111122223333' }}
  ambient: {{ account: '{ACCOUNT}', region: us-east-1, endpoint_url: '{url}' }}
""",
            "empty/keep": "",
        }
    )
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_every_option_does(lab: Lab, command: str) -> None:
    said = lab.tc(*command.split("."), "--help", cwd=lab.home)
    assert said.err == ""
    head, _, options = said.out.partition("Options:\n")
    assert re.search(r"\n\n  [A-Z][^.]+\.\s", head), "no sentence says what it does"
    entries = re.split(r"\n  (?=-)", options.strip("\n"))
    assert len(entries) >= 2
    for entry in entries:
        text = re.sub(r"^\s*(-\w, )?--[\w-]+( / --[\w-]+)?( <[^>]+>)?\s*", "", entry)
        assert re.match(r"[A-Z]\w+", text), f"nothing is said of {entry!r}"


REFUSED: dict[str, tuple[list[str], int, str]] = {
    "a sandbox of a bad name": (["create", "-s", "Bob!", "-e", "aws"], 2, "sandbox-name"),
    "no sandbox": (["create", "-e", "aws"], 2, "no-sandbox"),
    "no env": (["create", "-s", "bob"], 2, "no-env"),
    "an unknown env": (["create", "-s", "bob", "-e", "asw"], 2, "no-env"),
    "an unknown component": (["update", "-s", "bob", "-e", "aws", "-c", "itm"], 2, "component"),
    "an unknown service": (
        ["create", "-s", "bob", "-e", "aws", "--service", "htpt"],
        2,
        "no-topology",
    ),
    "no region": (["create", "-s", "bob", "-e", "no-region"], 2, "no-region"),
    "no such region": (["create", "-s", "bob", "-e", "aws", "--region", "mars"], 2, "usage"),
    "no answer": (["create", "-s", "bob", "-e", "dead"], 1, "aws"),
    "a process that fails": (["create", "-s", "bob", "-e", "broken"], 1, "credentials"),
    "a process that gives old ones": (["create", "-s", "bob", "-e", "old"], 1, "credentials"),
    "no credentials": (["create", "-s", "bob", "-e", "empty"], 1, "credentials"),
    "no login": (["create", "-s", "bob", "-e", "sso"], 1, "credentials"),
    "none on the machine": (["create", "-s", "bob", "-e", "ambient"], 1, "credentials"),
    "another account": (["create", "-s", "bob", "-e", "other"], 1, "account"),
    "another account, delete": (["delete", "-y", "-s", "bob", "-e", "other"], 1, "account"),
    "what isn't deployed": (
        ["invoke", "-s", "bob", "-e", "local", "-c", "functions/item"],
        1,
        "not-deployed",
    ),
    "a flow that isn't": (["invoke", "-s", "bob", "-e", "local"], 1, "not-deployed"),
    "a route that isn't": (
        ["invoke", "-s", "bob", "-e", "local", "-c", "routes/item"],
        1,
        "not-deployed",
    ),
    "a payload that is no JSON": (
        ["invoke", "-s", "bob", "-e", "local", "--payload", '{"a"'],
        2,
        "payload",
    ),
    "a payload that is no file": (
        ["invoke", "-s", "bob", "-e", "local", "--payload", "no.json"],
        2,
        "payload",
    ),
    "no time span": (["logs", "-s", "bob", "-e", "local", "--since", "3x"], 2, "usage"),
    "a login without an account": (["login", "-e", "local"], 2, "no-sso"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_one_sentence_and_the_way_out(
    lab: Lab, project: Project, name: str
) -> None:
    arguments, code, error = REFUSED[name]
    with lab.proxy.counting() as calls:
        said = lab.tc(*arguments, cwd=project.root, code=code)
    assert [call.name for call in calls if call.writes] == []
    lines = said.err.splitlines()
    assert lines[0].startswith(f"error[{error}]: ")
    assert not lines[0].endswith((".", ":", " ")), "a sentence that is cut off, or another voice"
    assert len(lines) <= 4
    assert error in ("no-sso", "payload") or lines[-1].startswith("  next: ")


@pytest.mark.parametrize("name", ["no env", "another account", "what isn't deployed"])
def test_a_refusal_is_one_object_with_json(lab: Lab, project: Project, name: str) -> None:
    arguments, code, error = REFUSED[name]
    said = lab.tc(*arguments, "--json", cwd=project.root, code=code)
    assert [event["code"] for event in said.named("error")] == [error]
    assert said.err == ""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("ExpiredToken", "the credentials of profile `aws` have expired"),
        ("InvalidClientTokenId", "AWS doesn't know the access key of profile `aws`"),
    ],
)
def test_credentials_that_aws_refuses_change_nothing(
    lab: Lab, project: Project, code: str, says: str
) -> None:
    def rule(call: Call) -> Refusal | None:
        return 403, code, "The security token included in the request is not to be used"

    with lab.proxy.counting() as calls, lab.proxy.refusing(rule):
        said = project.tc("create", code=1)
    assert {call.name for call in calls} == {"get_caller_identity"}
    assert f"error[credentials]: {says}" in said.err
    assert "next: " in said.err


def test_credentials_that_expire_on_the_way_stop_it_and_it_goes_on_later(
    lab: Lab, project: Project
) -> None:
    before = lab.inventory()
    made: list[Call] = []

    def rule(call: Call) -> Refusal | None:
        made.extend([call] if call.name == "create_role" else [])
        return (403, "ExpiredToken", "Expired") if len(made) > 1 else None

    with lab.proxy.refusing(rule):
        said = project.tc("create", code=1)
    assert "the credentials of profile `aws` have expired" in said.text
    assert (
        "To go on: renew the credentials of profile `aws`, then tc create -s bob -e aws"
        in said.text
    )
    project.tc("create")
    project.same()
    project.delete()
    assert lab.inventory() == before


@pytest.mark.parametrize("where", ["", "empty"])
def test_a_directory_that_is_no_topology_is_told(
    lab: Lab, project: Project, tmp_path: Path, where: str
) -> None:
    directory = project.root / where if where else tmp_path
    if where:
        assert "http is valid" in lab.tc("validate", cwd=directory).out, "it is looked for above"
        return
    said = lab.tc("validate", cwd=directory, code=2)
    assert said.err.startswith("error[no-topology]: there is no topology here\n")
    assert "--service" in said.err


@pytest.mark.parametrize(
    "arguments", [["creat"], ["create", "--sandbx", "x"], ["compose", "-f", "svg"]]
)
def test_wrong_usage_ends_with_2_and_says_what_is_meant(lab: Lab, arguments: list[str]) -> None:
    said = lab.tc(*arguments, cwd=lab.home, code=2)
    assert said.out == ""
    assert "-h" in said.err


def test_answers_are_alone_on_standard_output(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "states", tmp_path)
    with deployed(project):
        said = project.tc("invoke", "-c", "picky", "--payload", '{"order": "o", "quantity": 1}')
        assert said.out == '{\n  "packed": "1 o"\n}\n'
        less = '{"quantity": 99}'
        stdin = project.tc("invoke", "-c", "picky", "--payload", "-", stdin=less, code=1)
        assert "error[invoke]: KeyError: 'order'" in stdin.err
        assert project.tc("resolve").out.startswith("[\n")
        for command in (["list"], ["diff"], ["logs"], ["resolve"], ["create"]):
            assert project.tc(*command, "--json").events
    assert "has nothing in local" in project.tc("list").text
    assert "logged nothing" in project.tc("logs").text


def test_stable_is_deleted_only_with_a_yes(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "states", tmp_path, sandbox="stable")
    with deployed(project):
        assert "next: add -y" in project.tc("delete", stdin="n\n", code=2).err
        project.same()


def test_env_and_sandbox_may_come_from_the_environment(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "states", tmp_path)
    chosen = {"TC_SANDBOX": "carol", "TC_ENV": "local"}
    said = lab.tc("diff", "--exit-code", cwd=project.root, code=3, env=chosen)
    assert "function states_picky_carol" in said.out
    chosen = {"TC_SANDBOX": "carol", "AWS_PROFILE": "aws"}
    said = lab.tc("create", "--dry-run", cwd=project.root, env=chosen)
    assert "states@carol.aws/" in said.out


def test_a_service_is_found_by_its_name(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("states", "http"):
        copied(lab, name, tmp_path)
        (tmp_path / name / ".git").rmdir()
    said = lab.tc("validate", "--service", "states", cwd=tmp_path)
    assert said.out == "states is valid: 1 function, 1 flow\n"
    inside = lab.tc("validate", "--service", "states", cwd=tmp_path / "http" / "item")
    assert inside.out == said.out
