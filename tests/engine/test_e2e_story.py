"""From `git push` to production, in a repository of three topologies whose two envs are two
engines: released, promoted, rolled back, released twice at once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import monorepo
import pytest
from e2e_support import TC, Lab, engine
from monorepo import Monorepo

pytestmark = pytest.mark.engine

ONE = {"first": "one", "second": "one", "said": "hello"}
TWO = {"first": "two", "second": "two", "said": "hello"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An engine in which no other tests published versions of the same names."""
    yield from engine(tmp_path_factory.mktemp("quality"))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Another engine, as another account would be."""
    yield from engine(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def repo(lab: Lab, production: Lab, tmp_path_factory: pytest.TempPathFactory) -> Monorepo:
    directory = tmp_path_factory.mktemp("monorepo")
    return monorepo.make(lab, directory, engine_of(lab), engine_of(production))


def engine_of(lab: Lab) -> str:
    return f"http://127.0.0.1:{lab.port}"


def answer(lab: Lab) -> object:
    """What the route of etl says there."""
    apis = lab.client("apigateway").get_rest_apis()["items"]
    (api,) = [one["id"] for one in apis if one["name"] == "etl_stable"]
    return lab.http("POST", f"{engine_of(lab)}/_aws/execute-api/{api}/live/api/etl", {}).json


def live_code(lab: Lab) -> dict[str, str]:
    """The sums of what runs, by function."""
    functions = ("etl_enhancer_stable", "etl_loader_stable", "etl_normalise_stable")
    client = lab.client("lambda")
    return {
        name: client.get_function_configuration(FunctionName=name, Qualifier="live")["CodeSha256"]
        for name in functions
    }


def versions(repo: Monorepo) -> dict[tuple[str, str], str]:
    """(topology, env) -> the version there."""
    said = repo.tc("snapshot", "-e", "qa", "-e", "prod", "--json")
    (table,) = said.named("table")
    found = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return {(row["topology"], row["env"]): row["version"] for row in found}


def tags(repo: Monorepo) -> set[str]:
    lines = repo.git("ls-remote", "--tags", "origin").splitlines()
    return {line.rpartition("/")[2] for line in lines if not line.endswith("^{}")}


def test_from_a_push_to_production_and_back(
    repo: Monorepo, lab: Lab, production: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert repo.tc("release", "--service", "etl").out.splitlines()[-1] == "0.1.0"
    assert "etl-0.1.0" in tags(repo)
    assert "enhance more" in repo.git("tag", "-l", "--format=%(contents)", "etl-0.1.0")
    assert answer(lab) == ONE
    repo.tc("promote", "--from", "qa", "--to", "prod", "--service", "etl", "-y")
    assert answer(production) == ONE
    first = live_code(lab)
    assert live_code(production) == first

    repo.replace("feat(etl)!: the enhancer is two", "etl/enhancer/handler.py", '"one"', '"two"')
    repo.replace("feat(etl)!: the loader is two", "etl/loader/handler.py", '"one"', '"two"')
    assert repo.tc("release", "--service", "etl").out.splitlines()[-1] == "0.2.0"
    assert (answer(lab), answer(production)) == (TWO, ONE)
    assert versions(repo) == {("etl", "qa"): "0.2.0", ("etl", "prod"): "0.1.0"}
    repo.tc("promote", "--from", "qa", "--to", "prod", "--service", "etl", "-y")
    assert answer(production) == TWO
    assert live_code(production) == live_code(lab) != first

    # on a machine that has built nothing, and has no way to
    nothing = {"TC_CACHE_DIR": str(tmp_path_factory.mktemp("empty")), "UV_OFFLINE": "1"}
    repo.tc("rollback", "--service", "etl", "-s", "stable", "-e", "prod", env=nothing)
    assert answer(production) == ONE
    assert live_code(production) == first
    assert versions(repo) == {("etl", "qa"): "0.2.0", ("etl", "prod"): "0.1.0"}
    said = repo.tc("deploy", "--service", "etl", "--version", "0.2.0", "-e", "prod", env=nothing)
    assert "Published layer" not in said.out
    assert answer(production) == TWO


def test_what_is_shared_releases_who_shares_it(repo: Monorepo) -> None:
    for name in monorepo.TOPOLOGIES:
        repo.tc("release", "--service", name)
    before = tags(repo)
    text = (repo.root / "shared/normalise/handler.py").read_text()
    repo.commit("fix: normalise nothing", {"shared/normalise/handler.py": f"# new\n{text}"})
    for name in monorepo.TOPOLOGIES:
        repo.tc("release", "--service", name)
    assert {tag.rpartition("-")[0] for tag in tags(repo) - before} == {"etl", "reports"}


def test_of_two_releases_at_once_one_wins(repo: Monorepo) -> None:
    repo.tc("release", "--service", "alerts")
    repo.commit("feat(alerts): louder", {"alerts/alert/notes.txt": "louder\n"})
    before = tags(repo)
    clones = [repo.clone("lee"), repo.clone("mia")]
    running = [
        subprocess.Popen(
            [TC, "release", "--service", "alerts"],
            cwd=clone.root,
            env=repo.lab.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for clone in clones
    ]
    said = [process.communicate(timeout=120) for process in running]
    codes = [process.returncode for process in running]
    assert sorted(codes) == [0, 1], said
    loser = codes.index(1)
    winner = clones[1 - loser].name
    assert f"was released by {winner}" in said[loser][1]
    (tag,) = tags(repo) - before
    assert clones[loser].git("cat-file", "-p", tag) == clones[1 - loser].git("cat-file", "-p", tag)
    assert "function" not in said[loser][0]
