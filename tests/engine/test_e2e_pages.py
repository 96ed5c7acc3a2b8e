"""Pages on the engine: built, served by CloudFront from a private bucket, changed and gone."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from e2e_support import Answer, Lab, Project, copied, deployed

pytestmark = pytest.mark.engine


def get(url: str, path: str) -> Answer:
    """What a browser gets, to which every name below localhost is this machine."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
    connection.request("GET", path, headers={"host": parts.netloc})
    got = connection.getresponse()
    headers = {key.lower(): value for key, value in got.getheaders()}
    return Answer(got.status, got.read().decode(), headers)


def urls(project: Project) -> dict[str, str]:
    said = project.tc("create", "--json")
    return {page["page"]: page["url"] for page in said.named("page")}


def test_pages_are_built_served_changed_and_gone(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "blog", tmp_path)
    with deployed(project) as routes:
        at = urls(project)
        assert get(at["web"], "/").text == "<h1>blog</h1>\n"
        deep = get(at["web"], "/deep/link")
        assert (deep.status, deep.text) == (200, "<h1>blog</h1>\n")
        assert deep.headers["x-content-type-options"] == "nosniff"
        app = get(at["web"], "/assets/app.8f3a2b1c.js")
        assert app.headers["cache-control"] == "public, max-age=31536000, immutable"
        api = routes["GET /hello"].removesuffix("/hello")
        assert get(at["web"], "/config.txt").text == f"API={api}\nSANDBOX=bob\n"
        moved = get(at["web"], "/old")
        assert (moved.status, moved.headers["location"]) == (302, "/")
        missing = get(at["docs"], "/nothing")
        assert (missing.status, missing.text) == (404, "<h1>not here</h1>\n")

        one_file(project, at)
        taken_out(project, lab)


def one_file(project: Project, at: dict[str, str]) -> None:
    project.edit("web/src/index.html", "blog", "news")
    assert project.plan() == ["~ page web files.index.html"]
    said = project.tc("update", "-c", "pages", "--json")
    # the mark that something changes, the file, its invalidation, and the mark again
    assert said.named("done")[0]["wrote"] == 4
    assert get(at["web"], "/").text == "<h1>news</h1>\n"
    project.same()
    project.edit("web/moved.js", "302", "301")
    assert project.plan() == ["~ distribution web functions.request"]
    project.tc("update", "-c", "pages/web")
    assert get(at["web"], "/old").status == 301
    project.same()


def taken_out(project: Project, lab: Lab) -> None:
    project.edit("topology.yml", "  docs: { kind: Static }\n", "")
    assert project.plan() == ["- distribution docs", "- page bucket docs", "- page docs"]
    project.create()
    project.same()
    left = [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]
    assert [name for name in left if name.startswith("blog-docs")] == []
