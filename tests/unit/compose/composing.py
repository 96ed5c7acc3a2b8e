"""A topology from the text of its file, as the other stages get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tc.components import kinds, sections
from tc.compose.compose import Composed, compose
from tc.load.load import load
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.topology import Topology

SCOPE = Scope(
    namespace="",
    sandbox="bob",
    env="dev",
    account="111122223333",
    region="eu-west-1",
    updated_by="bob",
    tc_version="1.0.0",
)
HANDLER = "def handler(event, context):\n    return event\n"


class Directory:
    """A topology's directory; every name in `functions` gets a handler."""

    def __init__(self, root: Path):
        self.root = root
        (root / ".git").mkdir(exist_ok=True)

    @classmethod
    def at(cls, root: Path) -> Directory:
        """A topology that is there, as it is."""
        made = cls.__new__(cls)
        made.root = root
        return made

    def write(
        self, text: str, functions: str = "", files: Mapping[str, str] | None = None
    ) -> Directory:
        handlers = {f"{name}/handler.py": HANDLER for name in functions.split()}
        for name, content in {"topology.yml": text, **handlers, **(files or {})}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return self

    def composed(self, **scope: Any) -> Composed:
        """What compose says; loading must have found nothing wrong."""
        loaded = load(self.root, sections())
        errors = [f for f in loaded.findings if f.severity == "error"]
        assert errors == []
        assert loaded.spec is not None
        spec = loaded.spec
        known = {
            "namespace": spec.name,
            "version": spec.version or SCOPE.version,
            "tags": {**scope.pop("tags", {}), **spec.tags},
        }
        return compose(spec, replace(SCOPE, **{**known, **scope}))

    def findings(self, **scope: Any) -> list[Finding]:
        """Everything that compose and the kinds find wrong."""
        return [finding for finding in self.said(**scope) if finding.severity == "error"]

    def said(self, **scope: Any) -> list[Finding]:
        """The same, with what they warn of."""
        composed = self.composed(**scope)
        found = list(composed.findings)
        for part in composed.topology.family():
            for component in kinds():
                found += component.check(part)
        return found

    def topology(self, **scope: Any) -> Topology:
        """The topology, in which nothing may be wrong."""
        assert self.findings(**scope) == []
        return self.composed(**scope).topology


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]
