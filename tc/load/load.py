"""A topology's directory to a `Spec`: read, check, go on whatever is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tc.errors import UsageError
from tc.load.find import find_service, find_topology, git_root, topology_file
from tc.load.libraries import with_libraries
from tc.load.locate import locate
from tc.load.reader import Reader
from tc.load.topology import Project
from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.finding import Finding
from tc.spec.spec import Spec

__all__ = ["Loaded", "find_service", "find_topology", "load", "locate"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """`spec` is None only when the topology file itself can't be read as a mapping."""

    spec: Spec | None
    findings: tuple[Finding, ...]


def load(directory: Path, sections: Mapping[str, type[Strict]]) -> Loaded:
    """The topology in `directory`, and everything that is wrong with its files.

    `sections` has the model of an entry for each section that can be deployed.
    Raises UsageError when there is no topology file.
    """
    directory = directory.absolute()
    if topology_file(directory) is None:
        raise UsageError(
            "there is no topology here",
            code="no-topology",
            where=str(directory),
            hint="go to a directory with a topology.yml, or name one with --service NAME",
        )
    reader = Reader(git_root(directory) or directory.resolve())
    loaded = Project(reader, sections).load(directory)
    spec = replace(with_libraries(loaded), files=frozenset(reader.files)) if loaded else None
    return Loaded(spec, tuple(dict.fromkeys(reader.findings)))
