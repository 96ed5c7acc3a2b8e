"""What `tc compose -c deployer-policy` prints is enough to deploy with, and for nothing else: an
engine that checks signatures and policies, and an admin who gives one role just that."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from e2e_support import ACCOUNT, TOPOLOGIES, Lab, Said, wheel
from hooks_support import Hooked

pytestmark = pytest.mark.engine

SHIPPED = Path(__file__).parents[2] / "topologies"
#: actions that the engine asks for on `*`, where AWS asks for them on what a call names
ANYWHERE = re.compile(
    r"\w+:(ListTags(For|Of)|Tag|Untag)Resource"
    r"|events:(ListTargetsByRule|PutTargets|RemoveTargets)"
    r"|lambda:(CreateEventSourceMapping|CreateFunction)"
    r"|scheduler:(Create|Delete|Get|Update)Schedule"
    r"|ssm:GetParameters"
    r"|states:\w+StateMachine(Alias|Version)"
)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = Hooked(tmp_path_factory.mktemp("strict"), port, more={"AUTH": "true"})
    engine.start()
    yield engine
    engine.stop()


def admin(engine: Hooked, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{engine.port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


class Deployer:
    """Somebody who may do what a policy says."""

    def __init__(self, lab: Lab, engine: Hooked, root: Path, name: str):
        self.lab, self.root, self.name = lab, root, name
        self.more: dict[str, str] = {}
        self.iam = admin(engine, "iam")
        keys = self.iam.create_user(UserName=name) and self.iam.create_access_key(UserName=name)
        key = keys["AccessKey"]
        self.profiles = root / "profiles.ini"
        self.profiles.write_text(
            "[profile qa]\nregion = us-east-1\n"
            f"aws_access_key_id = {key['AccessKeyId']}\n"
            f"aws_secret_access_key = {key['SecretAccessKey']}\n"
        )
        config = root / "infrastructure/tc/config.yml"
        config.parent.mkdir(parents=True)
        url = f"http://127.0.0.1:{engine.port}"
        env = f"{{profile: qa, account: '{ACCOUNT}', region: us-east-1, endpoint_url: '{url}'}}"
        config.write_text(f"envs:\n  qa: {env}\n")

    def may(self, policy: str, sandbox: str = "bob") -> None:
        """Gives just what the policy says, in the parts that fit."""
        compose = ("compose", "-f", "json", "-e", "qa", "-s", sandbox, "-c")
        for old in self.iam.list_user_policies(UserName=self.name)["PolicyNames"]:
            self.iam.delete_user_policy(UserName=self.name, PolicyName=old)
        said = self.tc(*compose, policy).out
        assert "{{" not in said
        document = json.loads(said)
        document["Statement"] = [
            asked for one in document["Statement"] for asked in as_the_engine_asks(one)
        ]
        self.iam.put_user_policy(
            UserName=self.name, PolicyName="tc", PolicyDocument=json.dumps(document)
        )

    def tc(self, *words: str, code: int | None = 0) -> Said:
        env = {"AWS_CONFIG_FILE": str(self.profiles), **self.more}
        return self.lab.tc(*words, cwd=self.root, env=env, code=code)

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=ana", "-c", "user.email=ana@example.com")
        subprocess.run(["git", *who, *words], cwd=self.root, check=True)

    def run(self, command: str, *more: str, sandbox: str = "bob", code: int | None = 0) -> Said:
        return self.tc(command, "-s", sandbox, "-e", "qa", *more, code=code)


#: actions by what AWS calls them -> as the engine does
OTHERWISE = {
    "lambda:GetAlias": "lambda:ListAliases",
    "lambda:ListLayerVersions": "lambda:ListLayers",
}


def as_the_engine_asks(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statement for an engine that checks calls on roles by name alone, so that those below a
    path are known by what their names start with."""
    on = statement["Resource"]
    roles = (re.sub(r":role/tc/[^/]+/([^/]+)/.*", r":role/tc_\1_*", arn) for arn in on)
    yield {**statement, "Resource": sorted({*on, *roles})}
    anywhere = [action for action in statement["Action"] if ANYWHERE.fullmatch(action)]
    anywhere += [OTHERWISE[action] for action in statement["Action"] if action in OTHERWISE]
    if anywhere:
        yield {"Effect": "Allow", "Action": anywhere, "Resource": "*"}


def deployer(lab: Lab, engine: Hooked, directory: Path, topology: Path) -> Deployer:
    root = directory / topology.name
    shutil.copytree(topology, root)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return Deployer(lab, engine, root, f"deployer-{directory.name}")


@pytest.mark.parametrize(
    "topology",
    [
        SHIPPED / "quickstart",
        *(TOPOLOGIES / name for name in ("queues", "tables", "events", "clock", "routes-rest")),
    ],
    ids=lambda path: path.name,
)
def test_the_policy_is_enough_to_deploy(
    topology: Path, lab: Lab, strict: Hooked, tmp_path: Path
) -> None:
    ana = deployer(lab, strict, tmp_path, topology)
    assert "is not authorized to perform" in ana.run("create", code=1).text
    ana.may("deployer-policy")
    ana.run("create")
    ana.may("reader-policy")
    assert ana.run("diff", "--exit-code").out == "No differences.\n"
    assert "is not authorized to perform" in ana.run("delete", "-y", "--purge", code=1).text
    ana.may("deployer-policy")
    assert "is not authorized to perform" in ana.run("create", sandbox="eve", code=1).text
    ana.run("delete", "-y", "--purge")
    assert json.loads(ana.run("list", "--json").out.splitlines()[-1])["rows"] == []


def test_the_policy_is_enough_to_deploy_a_version(lab: Lab, strict: Hooked, tmp_path: Path) -> None:
    ana = deployer(lab, strict, tmp_path, SHIPPED / "quickstart")
    requirements = next(ana.root.glob("*/handler.py")).with_name("requirements.txt")
    requirements.write_text("tc_greeting==1.0\n")
    wheel(tmp_path / "wheels", "tc_greeting", "1.0")
    lab_env = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_NO_INDEX": "1"}
    ana.more = {**lab_env, "UV_CACHE_DIR": str(tmp_path / "uv")}
    ana.git("add", "-A")
    ana.git("commit", "-qm", "begin")
    ana.git("tag", "-a", "quickstart-0.1.0", "-m", "first")
    # the bucket refuses what isn't encrypted, and the engine has no TLS
    s3, tags = admin(strict, "s3"), [{"Key": "tc:artifacts", "Value": "ready"}]
    s3.create_bucket(Bucket=(bucket := f"tc-artifacts-{ACCOUNT}-us-east-1"))
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    ana.may("deployer-policy", sandbox="stable")
    ana.tc("deploy", "--version", "0.1.0", "-e", "qa")
    ana.may("reader-policy", sandbox="stable")
    assert '"0.1.0"' in ana.tc("snapshot", "-e", "qa", "--json").out
    ana.may("deployer-policy", sandbox="stable")
    ana.run("delete", "-y", "--purge", sandbox="stable")
