"""Versions from a commit to two envs that are two engines: deployed, promoted, rolled back."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import monorepo
import pytest
from e2e_proxy import Call, Refusal
from e2e_support import ACCOUNT, Lab, Said, engine
from monorepo import Monorepo

pytestmark = pytest.mark.engine

BUCKET = f"tc-artifacts-{ACCOUNT}-us-east-1"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The engine behind the env `qa`, which no other tests deploy to."""
    yield from engine(tmp_path_factory.mktemp("quality"))


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The engine behind the env `prod`."""
    yield from engine(tmp_path_factory.mktemp("prod"))


@pytest.fixture(scope="module")
def repo(lab: Lab, prod: Lab, tmp_path_factory: pytest.TempPathFactory) -> Monorepo:
    """`etl` has the versions 0.1.0 and 0.2.0, which say one and two; `pip` has a dependency."""
    urls = [f"http://127.0.0.1:{one.port}" for one in (lab, prod)]
    made = monorepo.make(lab, tmp_path_factory.mktemp("deploy"), *urls)
    made.commit(
        "feat: dependencies",
        {
            "pip/topology.yml": "name: pip\nfunctions: {worker: {}}\n",
            "pip/worker/requirements.txt": "six==1.16.0\n",
            "pip/worker/handler.py": "import six\n\n\ndef handler(event, context):\n"
            "    return six.__version__\n",
        },
    )
    made.tc("tag", "--service", "etl", "--next", "minor", "--push")
    say(made, "one", "two")
    made.tc("tag", "--service", "etl", "--next", "minor", "--push")
    return made


def say(repo: Monorepo, old: str, new: str) -> None:
    """A commit in which both functions of etl say something else."""
    for file in ("etl/enhancer/handler.py", "etl/loader/handler.py"):
        repo.replace(f"feat(etl): say {new}", file, f'"{old}"', f'"{new}"')


def live(lab: Lab, function: str) -> dict[str, Any]:
    found = lab.client("lambda").get_function(FunctionName=f"{function}_stable:live")
    settings: dict[str, Any] = found["Configuration"]
    return settings


def said(lab: Lab, topology: str = "etl") -> Any:
    """What the route of the topology answers."""
    apis = lab.client("apigateway").get_rest_apis()["items"]
    api = next(one["id"] for one in apis if one["name"] == f"{topology}_stable")
    url = f"http://127.0.0.1:{lab.port}/_aws/execute-api/{api}/live/api/{topology}"
    return lab.http("POST", url, {}).json


def kept(lab: Lab, prefix: str = "") -> dict[str, bytes]:
    """The objects in the artifact bucket."""
    s3 = lab.client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        one["Key"]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed
    }


def deployments(lab: Lab) -> list[str]:
    """The records of etl, the oldest first."""
    return sorted(kept(lab, "deployments/etl/stable/"))


def elsewhere(repo: Monorepo, place: Path) -> dict[str, str]:
    """Variables for a machine that has config.yml and nothing else: no files of the topologies,
    no git, no cache of builds, nothing that could build."""
    config = repo.root / "infrastructure/tc/config.yml"
    (place / "bin").mkdir(parents=True)
    return {
        "TC_CONFIG_PATH": str(config),
        "TC_CACHE_DIR": str(place / "cache"),
        "PATH": str(place / "bin"),
    }


def away(repo: Monorepo, place: Path, *arguments: str, code: int = 0) -> Said:
    variables = elsewhere(repo, place / f"machine-{os.urandom(4).hex()}")
    return repo.lab.tc(*arguments, cwd=place, code=code, env=variables)


def test_a_version_is_what_its_tag_says_not_what_is_checked_out(
    lab: Lab, repo: Monorepo, tmp_path: Path
) -> None:
    handler = repo.root / "etl/enhancer/handler.py"
    committed = handler.read_text()
    handler.write_text("broken(")
    try:
        dry = repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "qa", "--dry-run")
        assert "Plan: " in dry.out
        assert "etl_enhancer_stable" not in str(lab.inventory())
        repo.tc(
            "deploy", "--sandbox", "stable", "--env", "qa", "--service", "etl",
            "--version", "0.1.0",
        )  # fmt: skip
    finally:
        handler.write_text(committed)
    assert said(lab) == {"first": "one", "second": "one", "said": "hello"}
    again = repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "qa")
    assert "Nothing to do" in again.out
    assert repo.git("worktree", "list").count("\n") == 0

    manifest = json.loads(kept(lab, "manifests/")["manifests/etl/0.1.0.json"])
    assert manifest["sha"] == repo.git("rev-parse", "etl-0.1.0^{commit}")
    assert (
        manifest["functions"]["etl/enhancer"]["sha256"] == live(lab, "etl_enhancer")["CodeSha256"]
    )
    assert ACCOUNT not in json.dumps(manifest)
    for key, body in kept(lab).items():
        name = Path(key).name.partition(".")[0]
        if key.startswith(("packages/", "layers/", "sources/")):
            assert name == hashlib.sha256(body).hexdigest()

    repo.tc("deploy", "--service", "etl", "-e", "qa")
    assert said(lab)["first"] == said(lab)["second"] == "two"
    table = away(repo, tmp_path, "snapshot", "-e", "qa", "--json").events[-1]
    (one,) = [line for line in table["running"] if line["topology"] == "etl"]
    assert (one["sandbox"], one["version"]) == ("stable", "0.2.0")
    assert one["commit"] == repo.git("rev-parse", "etl-0.2.0^{commit}")


def test_an_env_gets_the_same_bytes_without_anything_that_could_build(
    lab: Lab, prod: Lab, repo: Monorepo, tmp_path: Path
) -> None:
    repo.tc("deploy", "--service", "etl", "--version", "0.2.0", "-e", "qa")
    refused = away(repo, tmp_path, "promote", "--from", "qa", "--to", "prod", code=2)
    assert "-y" in refused.err
    before = prod.inventory()
    dry = away(repo, tmp_path, "promote", "--from", "qa", "--to", "prod", "--dry-run")
    assert "etl@stable 0.2.0: is new there" in dry.out
    assert prod.inventory() == before
    away(repo, tmp_path, "promote", "--from", "qa", "--to", "prod", "--service", "etl", "-y")
    assert said(prod) == said(lab)
    for function in ("etl_enhancer", "etl_loader"):
        assert live(prod, function)["CodeSha256"] == live(lab, function)["CodeSha256"]
    assert kept(prod, "layers/").items() <= kept(lab, "layers/").items()
    assert kept(prod, "layers/")
    assert kept(prod, "manifests/etl/0.2.0") == kept(lab, "manifests/etl/0.2.0")
    again = away(repo, tmp_path, "promote", "--from", "qa", "--to", "prod", "-y")
    assert "Nothing to do: prod runs these versions" in again.out


def test_a_way_back_needs_nothing_but_the_bucket(prod: Lab, repo: Monorepo, tmp_path: Path) -> None:
    for version in ("0.1.0", "0.2.0"):
        repo.tc("deploy", "--service", "etl", "--version", version, "-e", "prod")
    assert said(prod)["first"] == "two"
    planned = away(repo, tmp_path, "rollback", "--service", "etl", "-e", "prod", "--dry-run")
    assert "etl_enhancer_stable" in planned.out
    assert said(prod)["first"] == "two"
    away(repo, tmp_path, "rollback", "--service", "etl", "-e", "prod")
    assert said(prod) == {"first": "one", "second": "one", "said": "hello"}
    # what was rolled back from is passed over, by name it is there
    away(repo, tmp_path, "rollback", "--service", "etl", "-e", "prod", "--to", "0.2.0")
    assert said(prod)["second"] == "two"
    unknown = away(
        repo, tmp_path, "rollback", "--service", "etl", "-e", "prod", "--to", "0.9.9", code=1
    )
    assert "error[not-published]" in unknown.err
    assert "0.1.0" in unknown.err
    nothing = away(repo, tmp_path, "rollback", "--service", "alerts", "-e", "prod", code=1)
    assert "error[no-way-back]" in nothing.err


def test_layers_are_the_tag_s_own_wherever_it_goes(
    lab: Lab, prod: Lab, repo: Monorepo, tmp_path: Path
) -> None:
    repo.tc("tag", "--service", "pip", "--next", "minor")
    dry = repo.tc("deploy", "--service", "pip", "-e", "qa", "--dry-run")
    assert "tc deploy publishes it" in dry.err
    repo.tc("deploy", "--service", "pip", "-e", "qa")
    # newer layers of that name are no matter
    repo.commit("feat: newer", {"pip/worker/requirements.txt": "six==1.17.0\n"})
    repo.tc("build", "--service", "pip", "--kind", "layer", "--publish", "-e", "qa")
    assert "Nothing to do" in repo.tc("deploy", "--service", "pip", "-e", "qa").out
    away(repo, tmp_path, "promote", "--from", "qa", "--to", "prod", "--service", "pip", "-y")
    for where in (lab, prod):
        invoked = where.client("lambda").invoke(FunctionName="pip_worker_stable:live")
        assert json.loads(invoked["Payload"].read()) == "1.16.0"


def test_a_snapshot_is_brought_elsewhere_and_one_failure_hides_no_other(
    prod: Lab, repo: Monorepo, tmp_path: Path
) -> None:
    repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "qa")
    file = tmp_path / "snapshot.json"
    away(repo, tmp_path, "snapshot", "-e", "qa", "--service", "etl", "-o", str(file))
    taken = json.loads(file.read_text())
    taken["running"].insert(0, {**taken["running"][0], "topology": "gone"})
    file.write_text(json.dumps(taken))
    ended = away(repo, tmp_path, "deploy", "--snapshot", str(file), "-e", "prod", "-y", code=1)
    assert "gone 0.1.0 is no longer in the bucket" in ended.err
    assert "Failed: gone@stable; done: 1 of 2" in ended.out
    assert said(prod)["first"] == "one"


def test_a_release_is_a_tag_a_deploy_and_its_version(lab: Lab, repo: Monorepo) -> None:
    handler = repo.root / "etl/enhancer/handler.py"
    committed = handler.read_text()
    handler.write_text(committed + "\n")
    dirty = repo.tc("release", "--service", "etl", code=1)
    assert "error[dirty]" in dirty.err
    handler.write_text(committed)
    say(repo, "two", "three")
    planned = repo.tc("release", "--service", "etl", "--dry-run")
    assert planned.out.splitlines()[-1] == "0.3.0"
    assert not repo.git("tag", "--list", "etl-0.3.0")
    done = repo.tc("release", "--service", "etl")
    assert done.out.splitlines()[-1] == "0.3.0"
    assert said(lab)["first"] == "three"
    assert "etl-0.3.0" in repo.git("ls-remote", "--tags", "origin")
    message = repo.git("tag", "--list", "--format=%(contents)", "etl-0.3.0")
    assert "say three" in message
    again = repo.tc("release", "--service", "etl")
    assert "Nothing to do" in again.out
    assert again.out.splitlines()[-1] == "0.3.0"


def test_of_two_releases_at_once_one_wins_and_the_other_says_so(repo: Monorepo) -> None:
    other = repo.clone("max")
    say(other, "three", "four")
    # the tag comes when git has looked at the remote already
    hook = other.root / ".git/hooks/pre-push"
    hook.write_text(
        f"#!/bin/sh\nunset GIT_DIR\ncd {repo.root}\ngit fetch -q\n"
        "git tag -a etl-0.4.0 -m fast && git push -q origin etl-0.4.0\n"
    )
    hook.chmod(0o755)
    lost = other.tc("release", "--service", "etl", code=1)
    assert "error[tag-taken]: etl-0.4.0 was released by kay" in lost.err
    tags = other.git("ls-remote", "--tags", "origin", "etl-0.4.0")
    assert other.git("rev-parse", "etl-0.4.0") in tags
    assert "Initializing functor" not in lost.out


def test_versions_that_are_none_are_told(repo: Monorepo) -> None:
    wrong = repo.tc("deploy", "--service", "etl", "--version", "v1", "-e", "qa", code=2)
    assert "`v1` is no version" in wrong.err
    absent = repo.tc("deploy", "--service", "etl", "--version", "7.0.0", "-e", "qa", code=1)
    assert "7.0.0 was never published" in absent.err
    assert "published are 0.1.0" in absent.err


def test_a_version_whose_tag_moved_is_refused(repo: Monorepo) -> None:
    repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "qa")
    before = repo.git("rev-parse", "etl-0.1.0^{commit}")
    repo.git("tag", "-f", "-a", "etl-0.1.0", "-m", "moved", "HEAD")
    try:
        refused = repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "qa", code=1)
    finally:
        repo.git("tag", "-f", "-a", "etl-0.1.0", "-m", "back", before)
    assert "error[version-taken]" in refused.err
    assert before[:7] in refused.err


def test_a_deploy_that_fails_leaves_what_runs_and_the_way_back_leads_there(
    lab: Lab, repo: Monorepo
) -> None:
    # `aws` is the engine of `qa` behind a proxy
    given = ("--service", "etl", "-e", "aws")
    repo.tc("deploy", *given, "--version", "0.1.0")

    def rule(call: Call) -> Refusal | None:
        stopped = call.name.startswith("PUT ") and call.name.endswith("/code")
        return (400, "InvalidParameterValueException", "no") if stopped else None

    with lab.proxy.refusing(rule):
        failed = repo.tc("deploy", *given, "--version", "0.2.0", code=1)
    assert "To go on: tc deploy --service etl -s stable -e aws --version 0.2.0" in failed.out
    assert said(lab) == {"first": "one", "second": "one", "said": "hello"}
    assert [name.rpartition("_")[2] for name in deployments(lab)[-2:]] == [
        "begun.json",
        "failed.json",
    ]
    back = repo.tc("rollback", *given)
    assert "Rolling back to etl 0.1.0" in back.out
    assert said(lab)["first"] == "one"
    # what failed is finished by the same command
    repo.tc("deploy", *given, "--version", "0.2.0")
    assert said(lab) == {"first": "two", "second": "two", "said": "hello"}


def test_the_way_back_knows_of_killed_deploys_and_of_other_commands(
    lab: Lab, repo: Monorepo
) -> None:
    given = ("--service", "etl", "-e", "qa")
    repo.tc("deploy", *given, "--version", "0.2.0")
    repo.tc("deploy", *given, "--version", "0.1.0")
    repo.tc("deploy", *given, "--version", "0.2.0")
    # as if it had been killed after the switch
    lab.client("s3").delete_object(Bucket=BUCKET, Key=deployments(lab)[-1])
    assert "Rolling back to etl 0.1.0" in repo.tc("rollback", *given, "--dry-run").out
    assert "Nothing to do" in repo.tc("deploy", *given, "--version", "0.2.0").out
    assert deployments(lab)[-1].endswith("_0.2.0_deploy.json")

    # the files here are other ones than those of the version
    repo.tc("create", "-s", "stable", *given)
    (table,) = repo.tc("snapshot", *given, "--json").named("table")
    assert [(one["version"], one["commit"]) for one in table["running"]] == [("0.0.1", "")]
    assert (
        "was not deployed as a version"
        in repo.tc("promote", "--from", "qa", "--to", "prod", "--service", "etl", "-y", code=1).out
    )
    assert "Rolling back to etl 0.2.0" in repo.tc("rollback", *given).out
    assert said(lab)["first"] == "two"


def test_what_was_deleted_is_promoted_again(lab: Lab, prod: Lab, repo: Monorepo) -> None:
    repo.tc("deploy", "--service", "pip", "--version", "0.1.0", "-e", "qa")
    promoted = ("promote", "--from", "qa", "--to", "prod", "--service", "pip", "-y")
    repo.tc(*promoted)
    repo.tc("delete", "--service", "pip", "-s", "stable", "-e", "prod", "-y")
    assert "other commands changed it since" in repo.tc(*promoted).out
    assert live(prod, "pip_worker")["CodeSha256"] == live(lab, "pip_worker")["CodeSha256"]


def test_what_is_frozen_gets_no_copies_either(prod: Lab, repo: Monorepo) -> None:
    repo.tc("tag", "--service", "alerts", "--next", "patch")
    repo.tc("deploy", "--service", "alerts", "-e", "qa")
    frozen = ("--service", "alerts", "-s", "stable", "-e", "prod")
    repo.tc("freeze", *frozen)
    try:
        before = kept(prod)
        given = ("promote", "--from", "qa", "--to", "prod", "--service", "alerts", "-y")
        assert "error[frozen]" in repo.tc(*given, code=1).err
        assert kept(prod) == before
    finally:
        repo.tc("unfreeze", *frozen)


def test_a_sandbox_that_is_not_stable_is_promoted_only_by_its_name(
    prod: Lab, repo: Monorepo
) -> None:
    repo.tc("deploy", "--service", "pip", "--version", "0.1.0", "-s", "ann", "-e", "qa")
    all_of_them = repo.tc("promote", "--from", "qa", "--to", "prod", "--dry-run")
    assert "pip@ann" not in all_of_them.out
    named = repo.tc("promote", "--from", "qa", "--to", "prod", "-s", "ann", "--dry-run")
    assert "pip@ann 0.1.0: is new there" in named.out
    repo.tc("delete", "--service", "pip", "-s", "ann", "-e", "qa")


def test_a_dry_run_of_every_command_writes_nothing(lab: Lab, repo: Monorepo) -> None:
    repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "aws")
    repo.tc("deploy", "--service", "etl", "--version", "0.2.0", "-e", "aws")
    before = kept(lab)
    with lab.proxy.counting() as calls:
        repo.tc("deploy", "--service", "etl", "--version", "0.1.0", "-e", "aws", "--dry-run")
        repo.tc("deploy", "--service", "alerts", "--version", "0.1.0", "-e", "aws", code=1)
        repo.tc("rollback", "--service", "etl", "-e", "aws", "--dry-run")
        repo.tc("promote", "--from", "prod", "--to", "aws", "--dry-run")
        repo.tc("release", "--service", "reports", "-e", "aws", "--dry-run")
    assert [call.name for call in calls if call.writes] == []
    assert kept(lab) == before
    assert not repo.git("tag", "--list", "reports-*")


def test_what_would_stop_the_deploy_stops_the_release_before_there_is_a_tag(
    repo: Monorepo,
) -> None:
    repo.tc("deploy", "--service", "pip", "--version", "0.1.0", "-e", "qa")
    frozen = ("--service", "pip", "-s", "stable", "-e", "qa")
    repo.tc("freeze", *frozen, "--reason", "the audit")
    try:
        repo.commit("fix: less", {"pip/worker/notes.txt": "less\n"}, push=False)
        refused = repo.tc("release", "--service", "pip", code=1)
        back = repo.tc("rollback", "--service", "pip", "-e", "qa", "--to", "0.1.0", code=None)
    finally:
        repo.tc("unfreeze", *frozen)
    assert "error[frozen]" in refused.err
    assert "the audit" in refused.err
    assert "no version was made" in refused.err
    assert repo.git("tag", "--list", "pip-*") == "pip-0.1.0"
    # it runs already, so there is nothing to refuse
    assert "Nothing to do" in back.out


def test_a_version_whose_tag_is_gone_is_not_made_again(repo: Monorepo) -> None:
    repo.tc("deploy", "--service", "pip", "--version", "0.1.0", "-e", "qa")
    before = repo.git("rev-parse", "pip-0.1.0^{commit}")
    repo.git("tag", "-d", "pip-0.1.0")
    repo.commit("fix: even less", {"pip/worker/notes.txt": "even less\n"}, push=False)
    refused = repo.tc("release", "--service", "pip", "--no-push", code=1)
    assert "error[version-taken]: 0.1.0 was published before, from " + before[:7] in refused.err
    assert not repo.git("tag", "--list", "pip-*")
    (hint,) = re.findall("next: bring its tag back: git (.*)", refused.err)
    repo.git(*hint.split())
    planned = repo.tc("release", "--service", "pip", "--no-push", "--dry-run")
    assert planned.out.splitlines()[-1] == "0.2.0"


def test_a_central_account_has_every_version_and_targets_get_copies(
    lab: Lab, prod: Lab, repo: Monorepo, tmp_path: Path
) -> None:
    accounts = {"cicd": (lab, "111111111111"), "live": (prod, "222222222222")}
    lines = ["artifacts: {env: cicd}", "layers: {env: cicd, share: ['222222222222']}", "envs:"]
    for name, (one, account) in accounts.items():
        url = f"http://127.0.0.1:{one.port}"
        lab.profile(name, endpoint_url=url, aws_access_key_id=account)
        lines.append(f"  {name}: {{profile: {name}, account: '{account}'}}")
    config = tmp_path / "config.yml"
    config.write_text("\n".join(lines) + "\n")
    given = ("deploy", "--service", "pip", "--version", "0.1.0", "-e", "live")
    repo.tc(*given, env={"TC_CONFIG_PATH": str(config)})

    def names(engine: Lab, account: str) -> dict[str, str]:
        s3 = engine.client("s3", account)
        bucket = f"tc-artifacts-{account}-us-east-1"
        found = s3.list_objects_v2(Bucket=bucket)["Contents"]
        return {
            one["Key"]: one["ETag"] for one in found if not one["Key"].startswith("deployments/")
        }

    central, target = (names(*where) for where in accounts.values())
    assert "manifests/pip/0.1.0.json" in central
    assert central == target
    settings = prod.client("lambda", "222222222222").get_function(
        FunctionName="pip_worker_stable:live"
    )["Configuration"]
    assert [layer["Arn"].split(":")[4] for layer in settings["Layers"]] == ["111111111111"]
