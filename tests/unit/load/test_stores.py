"""`stores` is another way to write tables and buckets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tc.components import sections
from tc.load.load import Loaded, load


def loaded(root: Path, text: str) -> Loaded:
    (root / ".git").mkdir()
    (root / "topology.yml").write_text(f"name: etl\n{text}")
    return load(root, sections())


def test_each_store_is_an_entry_of_its_kind(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "stores:\n  runs: {kind: dynamodb, key: id}\n  raw: {kind: s3, versioning: true}\n"
        "tables:\n  own: {key: id}\n",
    )
    assert found.findings == ()
    assert found.spec is not None
    assert sorted(found.spec.sections["tables"]) == ["own", "runs"]
    assert list(found.spec.sections["buckets"]) == ["raw"]
    assert found.spec.addresses["tables", "runs"].path == ("stores", "runs")


BAD = [
    ("stores: {runs: {key: id}}", "missing-key", ("stores", "runs")),
    ("stores: {runs: {kind: mongo}}", "invalid-value", ("stores", "runs", "kind")),
    ("stores: [runs]", "wrong-type", ("stores",)),
    ("stores: {raw: {kind: s3, versionig: true}}", "unknown-key", ("stores", "raw", "versionig")),
    (
        "tables: {runs: {key: id}}\nstores: {runs: {kind: dynamodb, key: id}}",
        "duplicate-name",
        ("stores", "runs"),
    ),
]


@pytest.mark.parametrize(("text", "code", "path"), BAD)
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, text: str, code: str, path: tuple[str, ...]
) -> None:
    found = loaded(tmp_path, text).findings
    assert (found[0].code, found[0].address.path) == (code, path)
    assert len(found) == 1
