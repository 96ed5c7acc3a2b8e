"""What is taken out of the files goes, leftovers are found, and the lists tell what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import Lab, Project, deployed

pytestmark = pytest.mark.engine

HANDLER = "def handler(event, context):\n    return {}\n"
WHOLE = """\
name: shop
routes:
  /order: { function: order }
  GET /order/{id}: { function: show }
events:
  Paid: { producer: bank, function: order }
"""
HALF = """\
name: shop
routes:
  /order: { function: order }
"""


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Iterator[Project]:
    files = {".git/HEAD": "", "topology.yml": WHOLE}
    files |= {f"{name}/handler.py": HANDLER for name in ("order", "show")}
    made = Project(lab, tmp_path).write(files)
    with deployed(made):
        yield made
        made.tc("create")


def removed(project: Project, *arguments: str) -> list[str]:
    said = project.tc("prune", "--json", *arguments)
    return sorted(
        f"{step['kind']} {step['title']}"
        for step in said.named("plan.step")
        if step["action"] == "delete"
    )


GONE = [
    "event Paid",
    "function shop_show_bob",
    "log group /aws/lambda/shop_show_bob",
    "permission shop_order_bob for event Paid",
    "permission shop_show_bob for api shop-bob",
    "role tc_shop_show_bob_us-east-1",
    "route GET /order/{id}",
]


def without_half(project: Project) -> None:
    project.write({"topology.yml": HALF})
    (project.root / "show" / "handler.py").unlink()


def test_prune_tells_and_removes_what_no_topology_explains(project: Project) -> None:
    assert removed(project, "--dry-run") == []
    without_half(project)
    assert removed(project, "--dry-run") == GONE
    refused = project.tc("prune", code=2)
    assert "7 things of shop@bob.local" in refused.err
    assert "add -y" in refused.err
    assert removed(project, "-y") == GONE
    assert removed(project, "-y") == []
    project.same()
    names = [f["FunctionName"] for f in project.lab.client("lambda").list_functions()["Functions"]]
    assert [name for name in names if name.startswith("shop_")] == ["shop_order_bob"]
    project.write({"topology.yml": WHOLE, "show/handler.py": HANDLER})


def test_what_is_taken_out_is_in_the_next_plan_and_goes(project: Project) -> None:
    without_half(project)
    planned = [line for line in project.plan() if line.startswith("- ")]
    assert planned == [f"- {thing}" for thing in GONE]
    project.tc("create")
    project.same()
    project.write({"topology.yml": WHOLE, "show/handler.py": HANDLER})


def test_prune_never_takes_another_sandbox(project: Project) -> None:
    alice = project.in_sandbox("alice")
    with deployed(alice):
        without_half(project)
        assert removed(project, "-y") == GONE
        project.write({"topology.yml": WHOLE, "show/handler.py": HANDLER})
        alice.same()
        project.tc("create")


def test_a_topology_that_is_gone_is_pruned_by_its_name(lab: Lab, tmp_path: Path) -> None:
    before = lab.inventory()
    made = Project(lab, tmp_path).write({".git/HEAD": "", "topology.yml": WHOLE})
    made.write({f"{name}/handler.py": HANDLER for name in ("order", "show")})
    made.tc("create")
    assert "is still here" in made.tc("prune", "--gone", "shop", code=2).err
    (tmp_path / "topology.yml").unlink()
    told = removed(made, "--gone", "shop", "--dry-run")
    assert "function shop_order_bob" in told
    assert "api shop-bob" not in told or len(told) > 8
    removed(made, "--gone", "shop", "-y")
    assert lab.inventory() == before


def test_the_list_tells_of_sandboxes_and_of_their_things(project: Project, tmp_path: Path) -> None:
    box = project.tc("list", "--json", "-s", "bob").named("table")[0]
    assert box["columns"] == ["kind", "name", "version", "changed", "address"]
    kinds = {row[0] for row in box["rows"]}
    assert {"role", "log group", "function", "api", "route", "event"} <= kinds
    route = next(row for row in box["rows"] if row[1] == "/order")
    assert route[-1].startswith("http://")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".git").mkdir()
    (project.root / "topology.yml").rename(project.root / "kept.yml")
    try:
        said = project.lab.tc("list", "-s", "bob", "-e", "local", "--json", cwd=elsewhere)
        table = said.named("table")[0]
        assert table["columns"] == ["topology", "kind", "name", "version", "address"]
        assert ["shop", "function", "shop_order_bob"] in [row[:3] for row in table["rows"]]
        all_of = project.lab.tc("list", "-e", "local", "--json", cwd=elsewhere).named("table")[0]
        mine = next(row for row in all_of["rows"] if row[:2] == ["shop", "bob"])
        assert all_of["columns"][-2:] == ["functions", "things"]
        assert mine[5] == "2"
        assert int(mine[6]) >= 4
    finally:
        (project.root / "kept.yml").rename(project.root / "topology.yml")
