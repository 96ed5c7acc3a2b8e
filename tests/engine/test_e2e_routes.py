"""Routes that move: renamed, swapped, on every sort of API, and from one sort to another."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e_support import Lab, Project, deployed

pytestmark = pytest.mark.engine

HANDLER = "def handler(event, context):\n    return {'from': 'NAME'}\n"
ROUTES = """\
name: moves
routes:
  first: { path: /x, method: GET, function: one%(more)s }
  second: { path: /y, method: GET, function: two%(more)s }
"""


@pytest.mark.parametrize("more", ["", ", kind: rest", ", gateway: moves-shared"])
def test_routes_can_be_renamed_and_can_swap_their_paths(
    lab: Lab, tmp_path: Path, more: str
) -> None:
    files = {f"{name}/handler.py": HANDLER.replace("NAME", name) for name in ("one", "two")}
    project = Project(lab, tmp_path).write({".git/HEAD": "", **files})
    project.write({"topology.yml": ROUTES % {"more": more}})
    with deployed(project):
        project.edit("topology.yml", "first:", "renamed:")
        project.edit("topology.yml", "/x", "/z")
        project.edit("topology.yml", "/y", "/x")
        project.edit("topology.yml", "/z", "/y")
        at = project.create()
        assert lab.http("GET", at["GET /x"]).json == {"from": "two"}
        assert lab.http("GET", at["GET /y"]).json == {"from": "one"}


REST = """\
name: turned
routes:
  POST /one: { function: one, async: true }
  GET /two: { function: two }
"""


def test_routes_of_a_rest_api_change_one_by_one(lab: Lab, tmp_path: Path) -> None:
    files = {f"{name}/handler.py": HANDLER.replace("NAME", name) for name in ("one", "two")}
    project = Project(lab, tmp_path).write({".git/HEAD": "", "topology.yml": REST, **files})
    with deployed(project):
        project.edit("topology.yml", "GET /two", "GET /dos")
        assert project.plan() == ["+ route GET /dos", "- route GET /two"]
        project.tc("update", "-c", "routes")
        project.same()
        aws = lab.client("apigateway")
        api = next(a["id"] for a in aws.get_rest_apis()["items"] if a["name"] == "turned_bob")
        (dos,) = [r for r in aws.get_resources(restApiId=api)["items"] if r["path"] == "/dos"]
        aws.delete_method(restApiId=api, resourceId=dos["id"], httpMethod="GET")
        assert project.plan() == ["+ route GET /dos", "~ api turned_bob answers"]
        at = project.create()
        assert lab.http("GET", at["GET /dos"]).json == {"from": "two"}
        # without an asynchronous function an HTTP API will do
        project.edit("topology.yml", "function: one, async: true", "function: one")
        assert "± api turned_bob protocol" in project.plan()
        at = project.create()
        assert lab.http("POST", at["POST /one"], {}).json == {"from": "one"}


OPEN = """\
name: doors
routes:
  /open: { function: one }
  /shut: { function: one, authorizer: iam }
"""


def test_creating_a_route_that_anyone_may_call_says_so_once(lab: Lab, tmp_path: Path) -> None:
    files = {".git/HEAD": "", "one/handler.py": HANDLER, "topology.yml": OPEN}
    project = Project(lab, tmp_path).write(files)
    with deployed(project):
        project.tc("delete", "-y")
        (said,) = project.tc("create", "--json").named("open")
        assert said["routes"] == ["POST /open"]
        assert project.tc("create", "--json").named("open") == []
