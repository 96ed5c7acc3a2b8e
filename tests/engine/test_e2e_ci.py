"""The pipelines that `tc scaffold --create ci` writes, run from the first change to production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from ci_pipelines import PROVIDERS, Api, Ran, World
from e2e_support import ACCOUNT, Lab, Said, wheel

pytestmark = pytest.mark.engine

FUNCTION = {
    "runtime": {"lang": "python3.12"},
    "test": {"hello": {"payload": {"name": "ana"}, "expect": {"said": "hello ana"}}},
}
FILES = {
    "shop/topology.yml": "name: shop\n",
    "shop/greet/handler.py": (
        "import tc_greeting\n\n"
        "def handler(event, context):\n    return {'said': 'hello ' + event['name']}\n"
    ),
    "shop/greet/requirements.txt": "tc_greeting==1.0\n",
    "shop/greet/function.json": json.dumps(FUNCTION),
    "mail/topology.yml": "name: mail\n",
    "mail/send/handler.py": "def handler(event, context):\n    return None\n",
    "mail/send/function.json": json.dumps({"runtime": {"lang": "python3.12"}}),
}
ROLES = ("diff", "dev", "qa", "prod")


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


def config(lab: Lab, provider: str) -> str:
    """Three envs in three regions; each provider's versions are in buckets of their own."""
    url = f"http://127.0.0.1:{lab.port}"
    regions = {"dev": "us-east-1", "qa": "us-east-2", "prod": "eu-west-1"}
    envs = "".join(
        f"  {env}: {{profile: {env}, account: '{ACCOUNT}', region: {region}, "
        f"endpoint_url: '{url}'}}\n"
        for env, region in regions.items()
    )
    bucket = f"'{provider}-{{{{account}}}}-{{{{region}}}}'"
    artifacts = f"artifacts: {{bucket: {bucket}}}\n"
    return f"default_env: dev\nenvs:\n{envs}release: {{env: qa}}\n{artifacts}"


@pytest.fixture(params=sorted(PROVIDERS))
def pipeline(request: pytest.FixtureRequest, lab: Lab, api: Api, tmp_path: Path) -> Iterator[Any]:
    """The pipeline in a repository whose remote has it on main."""
    provider = PROVIDERS[request.param]
    world = World(lab, tmp_path, tmp_path / "remote.git", api, tmp_path / "wheels")
    wheel(world.wheels, "tc_greeting", "1.0")
    root = tmp_path / "ana"
    root.mkdir()
    git = "git -c user.name=ana -c user.email=ana@example.com"
    world.shell(f"git init -q --bare -b main {world.remote}; git init -q -b main", root, {})
    world.shell(f"git remote add origin {provider.remote}", root, {})
    for name, text in {**FILES, "infrastructure/tc/config.yml": config(lab, request.param)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    lab.tc("scaffold", "--create", "ci", "--provider", request.param, cwd=root)
    script = f"git remote set-url origin {world.remote}; git add -A; {git} commit -qm begin"
    world.shell(f"{script}; git push -q origin main; git remote set-head origin main", root, {})
    iam = lab.client("iam")
    for role in ROLES:
        trust = (root / f"infrastructure/ci/trust-{role}.json").read_text()
        name = f"ci-{request.param}-{role}"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        world.variables[f"TC_ROLE_{role.upper()}"] = made["Role"]["Arn"]
    yield provider(world, (root / provider.file).read_text())
    for role in ROLES:
        iam.delete_role(RoleName=f"ci-{request.param}-{role}")


@pytest.fixture
def swept(pipeline: Any, lab: Lab, tmp_path: Path) -> Iterator[Any]:
    """The same, with its sandboxes deleted afterwards."""
    yield pipeline
    keys = "aws_access_key_id = test\naws_secret_access_key = test\n"
    profiles = tmp_path / "aws.ini"
    profiles.write_text("".join(f"[profile {env}]\n{keys}" for env in ("dev", "qa", "prod")))
    for env, sandbox in (("dev", "pr-7"), ("qa", "stable"), ("prod", "stable")):
        for service in ("shop", "mail"):
            words = ["--service", service, "-s", sandbox, "-e", env, "-y"]
            lab.tc("delete", *words, cwd=tmp_path / "ana", env={"AWS_CONFIG_FILE": str(profiles)})


def test_from_a_change_to_production(swept: Any, api: Api, tmp_path: Path) -> None:
    pipeline, world = swept, swept.world
    ana = tmp_path / "ana"
    handler = (ana / "shop/greet/handler.py").read_text().replace("return", "# more\n    return")
    (ana / "shop/greet/handler.py").write_text(handler)
    git = "git -c user.name=ana -c user.email=ana@example.com"
    world.shell(
        f"git checkout -q -b feature; {git} commit -qam 'feat: greet'; git push -q origin feature",
        ana,
        {},
    )

    opened = succeeded(pipeline.change(7), "validate", "diff", "sandbox")
    assert [comment["body"].count("<!-- tc diff -->") for comment in api.comments] == [1]
    body = api.comments[0]["body"]
    assert "### `shop@stable in qa`" in body
    assert "| + | function | `shop_greet_stable` |" in body
    assert "mail" not in body
    assert functions(world.lab, "us-east-1", "pr-7") == ["shop_greet_pr-7"]
    report = ElementTree.parse(opened["sandbox"].root / "reports/shop.xml").getroot()
    assert [case.find("failure") for case in report.iter("testcase")] == [None]

    succeeded(pipeline.change(7), "validate", "diff", "sandbox")
    assert len(api.comments) == 1, "the second run wrote a second comment"
    assert {secret for method, _, secret in api.asked if method != "GET"} <= {
        "Bearer github-token",
        "Bearer circle-token",
        "gitlab-token",
    }

    world.shell("git checkout -q main; git merge -q feature; git push -q origin main", ana, {})
    succeeded(pipeline.change(7, action="closed"), "delete")
    assert functions(world.lab, "us-east-1", "pr-7") == []

    jobs = {one.name: one for one in pipeline.pushed()}
    assert {name: one.code for name, one in jobs.items() if one.code} == {}, text(jobs.values())
    assert {"validate", "release"} <= set(jobs) <= {"validate", "release", "delete"}
    assert tags(world) == ["mail-0.1.0", "shop-0.1.0"]
    there = functions(world.lab, "us-east-2", "stable")
    assert there == ["mail_send_stable", "shop_greet_stable"]
    again = pipeline.pushed()
    assert [one.code for one in again if one.code] == [], text(again)
    assert tags(world) == ["mail-0.1.0", "shop-0.1.0"]
    assert functions(world.lab, "eu-west-1", "stable") == []

    succeeded(pipeline.approved(), "promote")
    assert functions(world.lab, "eu-west-1", "stable") == there
    assert code(world.lab, "eu-west-1") == code(world.lab, "us-east-2")

    swept = {one.name: one for one in pipeline.scheduled()}
    assert [one.code for one in swept.values()] == [0] * len(swept), text(swept.values())
    assert "is idle for 7d" in swept["sweep"].text


@pytest.mark.parametrize("pipeline", ["github", "gitlab"], indirect=True)
def test_a_fork_gets_no_credentials(pipeline: Any, api: Api, tmp_path: Path) -> None:
    pipeline.world.shell("git push -q origin main:feature", tmp_path / "ana", {})
    succeeded(pipeline.change(7, owner="eve"), "validate")
    assert api.asked == []


def test_a_job_fails_when_nobody_can_tell_what_changed(pipeline: Any) -> None:
    pipeline.world.breaks("changed")
    ran = {one.name: one for one in pipeline.pushed()}
    assert ran["validate"].code != 0, text(ran.values())
    assert "release" not in ran


def succeeded(ran: list[Ran], *names: str) -> dict[str, Ran]:
    assert [one.name for one in ran] == list(names), text(ran)
    assert [one.code for one in ran] == [0] * len(names), text(ran)
    return {one.name: one for one in ran}


def text(ran: Any) -> str:
    return "\n".join(f"--- {one.name}: {one.code}\n{one.text}" for one in ran)


def tags(world: World) -> list[str]:
    said: list[str] = world.shell("git tag", world.remote, {})[1].split()
    return said


def client(lab: Lab, region: str) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{lab.port}",
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def functions(lab: Lab, region: str, sandbox: str) -> list[str]:
    found = client(lab, region).list_functions()["Functions"]
    names = (function["FunctionName"] for function in found)
    return sorted(name for name in names if name.endswith(f"_{sandbox}"))


def code(lab: Lab, region: str) -> str:
    found = client(lab, region).get_function(FunctionName="shop_greet_stable")
    return str(found["Configuration"]["CodeSha256"])


def test_idle_sandboxes_go_and_stable_ones_stay(lab: Lab, tmp_path: Path) -> None:
    root = tmp_path / "idle"
    (root / "send").mkdir(parents=True)
    (root / "topology.yml").write_text("name: idle\n")
    (root / "send/handler.py").write_text(FILES["mail/send/handler.py"])
    (tmp_path / "config.yml").write_text("stable: [live]\n")

    def tc(*words: str, cwd: Path = tmp_path, code: int = 0) -> Said:
        env = {"TC_CONFIG_PATH": str(tmp_path / "config.yml")}
        return lab.tc(*words, "-e", "local", cwd=cwd, code=code, env=env)

    for sandbox in ("pr-1", "live"):
        tc("create", "-s", sandbox, cwd=root)
    # nobody's topology is here
    words = ("prune", "--older-than", "0m")
    before = lab.inventory()
    tc(*words, "-s", "pr-*", "--dry-run")
    assert "add -y" in tc(*words, "-s", "pr-*", code=2).err
    assert "Nothing to do" in tc("prune", "--older-than", "1d", "-y").out
    assert lab.inventory() == before
    said = tc(*words, "-s", "pr-*", "-y", "--json")
    assert said.events[-1]["event"] == "done"
    assert said.events[-1]["done"] == 1
    left = [name for name in lab.inventory() if "idle_" in name]
    assert left
    assert all("live" in name for name in left)
    said = tc(*words, "-s", "live", "-y")
    assert "stays: it is stable" in said.out
    assert "Nothing to do" in said.out
    assert "deleting idle@live.local" in tc("delete", "-s", "live", cwd=root, code=2).err
    assert [name for name in lab.inventory() if "idle_" in name] == left
    tc("delete", "-s", "live", "-y", cwd=root)
