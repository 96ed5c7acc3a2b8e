"""docs/components.md is made of the kinds, and has every one of them."""

from __future__ import annotations

import re
import subprocess
import sys

from codes import ROOT

from tc.components import kinds
from tc.spec.base import Whole

PAGE = ROOT / "docs" / "components.md"


def test_the_page_is_what_the_kinds_say() -> None:
    script = ROOT / "scripts" / "components_docs.py"
    ended = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_every_kind_has_its_row_and_its_keys() -> None:
    text = PAGE.read_text()
    for kind in kinds():
        [row] = re.findall(rf"^\| {re.escape(kind.KIND)} \| .*$", text, re.MULTILINE)
        for word in (kind.PLURAL, *kind.REPLACE, *(f"{kind.PLURAL}/{a}" for a in kind.ASPECTS)):
            assert f"`{word}`" in row
        if kind.SECTION:
            name, model = kind.SECTION
            assert f"### {name}{'' if issubclass(model, Whole) else '.X'}\n" in text


def test_links_in_the_page_lead_to_its_headings() -> None:
    text = PAGE.read_text()
    headings = {
        re.sub(r"[^a-z0-9 _-]", "", line.lower()).replace(" ", "-")
        for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links
    assert links - headings == set()
