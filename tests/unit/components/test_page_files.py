"""What a browser is told of a page's files."""

from __future__ import annotations

import pytest

from tc.components.page_files import cache_control, content_type, is_hashed


@pytest.mark.parametrize(
    "path",
    [
        "assets/index-DiwrgTda.js",
        "assets/index-BX3kq9Zf.css",
        "static/js/main.8f3a2b1c.js",
        "main.8f3a2b1c.js.map",
        "chunk-5ZKAE4QX.js",
        "_next/static/media/a34f9d1faa5f3315.woff2",
        "img/logo.0d5f2a7b9c.svg",
    ],
)
def test_a_hash_in_the_name_is_kept_for_ever(path: str) -> None:
    assert is_hashed(path)
    assert cache_control(path) == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "sw.js",
        "service-worker.js",
        "jquery-validation.js",
        "User-Settings.js",
        "docs-overview.html",
        "photo-20240115.jpg",
        "20240115.txt",
        "vendor-runtime1.js",
    ],
)
def test_other_names_are_asked_for_each_time(path: str) -> None:
    assert cache_control(path) == "no-cache"


def test_types_are_the_same_on_every_machine() -> None:
    assert content_type("a/b.HTML") == "text/html; charset=utf-8"
    assert content_type("a.mjs") == "text/javascript; charset=utf-8"
    assert content_type("site.webmanifest") == "application/manifest+json"
    assert content_type("LICENSE") == "application/octet-stream"
