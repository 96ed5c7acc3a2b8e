"""`hooks` and what hooks.json and tags.json add: what the stages after this one get."""

from __future__ import annotations

import json
from pathlib import Path

from tc.load.load import locate

from .conftest import Files, Project

INFRA = "infrastructure/tc/etl"
TEXT = """\
name: etl
tags: {team: data, cost: 12}
hooks:
  pre: [{command: make migrate, dir: db}]
  post:
    - command: make seed
      on_failure: continue
"""
FILES: Files = {"topology.yml": TEXT, "db/schema.sql": ""}


def overlays(**files: object) -> Files:
    return {f"{INFRA}/{name}.json": json.dumps(data) for name, data in files.items()}


def told(project: Project) -> list[tuple[str, str, Path, str]]:
    loaded = project.load()
    assert locate(loaded.findings) == []
    assert loaded.spec is not None
    return [(h.when, h.command, h.dir, h.on_failure) for h in loaded.spec.hooks]


def tags(project: Project) -> dict[str, str]:
    loaded = project.load()
    assert locate(loaded.findings) == []
    assert loaded.spec is not None
    return dict(loaded.spec.tags)


def test_hooks_run_where_they_say(project: Project) -> None:
    assert told(project.write(FILES)) == [
        ("pre", "make migrate", project.root / "db", "exit"),
        ("post", "make seed", project.root, "continue"),
    ]


def test_the_overlay_adds_hooks_from_the_same_directory(project: Project) -> None:
    hooks = {"x-why": "ops", "post": [{"command": "notify", "dir": "db"}]}
    project.write({**FILES, **overlays(hooks=hooks)})
    assert told(project)[1:] == [
        ("post", "make seed", project.root, "continue"),
        ("post", "notify", project.root / "db", "exit"),
    ]


def test_nothing_and_an_empty_list_are_no_hooks(project: Project) -> None:
    for text in ("name: etl", "name: etl\nhooks:", "name: etl\nhooks: {pre: []}"):
        assert told(project.write({"topology.yml": text})) == []


def test_every_mistake_is_told_at_once_where_it_stands(project: Project) -> None:
    text = """\
name: etl
hooks:
  pre:
    - dir: nowhere
    - command: make
      dir: ../..
      when: now
  after: []
"""
    hooks = {"post": [{"command": 1}, {"command": "a", "dir": "gone"}]}
    project.write({"topology.yml": text, **overlays(hooks=hooks)})
    problems = project.problems()
    assert [p for p in problems if p.startswith("topology.yml")] == [
        "topology.yml:4:7 missing-key",
        "topology.yml:4:12 missing-file",
        "topology.yml:6:12 outside-project",
        "topology.yml:7:7 unknown-key",
        "topology.yml:8:3 unknown-key",
    ]
    assert [p.rpartition(" ")[2] for p in problems if "hooks.json" in p] == [
        "wrong-type",
        "missing-file",
    ]
    assert project.load().spec.hooks == ()  # type: ignore[union-attr]


def test_tags_of_the_overlay_win(project: Project) -> None:
    project.write({**FILES, **overlays(tags={"team": "ops", "level": 3})})
    assert tags(project) == {"team": "ops", "cost": "12", "level": "3"}


def test_tags_that_cant_be(project: Project) -> None:
    text = "name: etl\ntags: {'tc:functor': mine}\n"
    project.write({"topology.yml": text, **overlays(tags={"aws:x": "y", "a": ["b"]})})
    assert [p.rpartition(" ")[2] for p in project.problems()] == [
        "invalid-value",
        "wrong-type",
        "invalid-value",
    ]


def test_overlays_outside_of_the_project_are_not_read(project: Project, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.json"
    outside.write_text('{"secret": "value"}')
    project.write(FILES)
    (project.root / INFRA).mkdir(parents=True)
    (project.root / INFRA / "tags.json").symlink_to(outside)
    assert project.problems() == [f"{INFRA}/tags.json:0:0 outside-project"]


def test_a_hook_whose_directory_is_missing_never_runs_elsewhere(project: Project) -> None:
    project.write({"topology.yml": "name: etl\nhooks: {pre: [{command: rm -r ., dir: gone}]}\n"})
    loaded = project.load()
    assert [finding.code for finding in loaded.findings] == ["missing-file"]
    assert loaded.spec is not None
    assert loaded.spec.hooks == ()
