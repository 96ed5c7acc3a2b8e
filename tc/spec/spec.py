"""What `tc.load` hands on: the user's files, valid and plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tc.records import dataclass
from tc.spec.base import AsWritten, Strict, Tags
from tc.spec.finding import Address
from tc.spec.function import Function
from tc.spec.gateway import RoutesFile
from tc.spec.hooks import Hook, HooksFile
from tc.spec.test import Case, CaseEntry

Mode = Literal["Standard", "Express"]
LogLevel = Literal["OFF", "ERROR", "FATAL", "ALL"]
Kind = Literal["step-function", "state-machine", "function", "evented", "graphql", "routed"]


class Nodes(Strict):
    """`nodes` of a topology: where its nested topologies are."""

    root: str | None = Field(None, description="directory to look in; the topology's own")
    ignore: list[str] = Field([], description="directories to leave out")
    dirs: list[str] = Field([], description="directories of topologies; all below `root`")


class Logging(Strict):
    """`logging` of a topology: what its flows write of their executions."""

    level: LogLevel = Field("ERROR", description="OFF, ERROR (default), FATAL or ALL")
    include_data: bool = Field(False, description="inputs and outputs too")


class TopologyFile(Strict):
    """topology.yml without its sections."""

    name: str = Field(description="namespace of everything in it: a-z, 0-9 and -")
    version: AsWritten | None = Field(None, description="0.0.1")
    kind: Kind | None = Field(None, description="inferred")
    mode: Mode | None = Field(None, description="of its flow")
    logging: Logging | None = Field(
        None, description="of its flows; errors of Express ones, nothing of Standard ones"
    )
    tracing: bool = Field(False, description="X-Ray of its flows")
    versions: bool = Field(False, description="publish a version with each change of a flow")
    infra: str | None = Field(
        None, alias="infra-dir", description="directory of vars/ and roles/, from topology.yml"
    )
    recursive: bool = Field(False, description="every topology below belongs to it")
    nodes: Nodes | None = Field(None, description="nested topologies")
    function_dirs: list[str] = Field([], description="more directories that hold functions")
    tags: Tags = Field({}, description="tags of everything in it")
    functions: dict[str, Any] = Field({}, description="functions by name")
    stores: dict[str, Any] = Field(
        {}, description="tables and buckets in one section, each with `kind`: dynamodb or s3"
    )
    flow: dict[str, Any] | str | None = Field(None, description="ASL, or the path of a file")
    states: dict[str, Any] | str | None = Field(None, description="flow")
    hooks: HooksFile | None = Field(None, description="commands before and after a change")
    tests: dict[str, CaseEntry] = Field({}, description="tests of what is deployed, by name")


@dataclass(frozen=True, slots=True)
class WrittenFlow:
    """The flow as written: ASL with its templates, and where it stands."""

    definition: Mapping[str, Any]
    address: Address


@dataclass(frozen=True, slots=True)
class WrittenPolicy:
    """A policy document of the overlays, as an IAM policy with ``inherit``."""

    document: Mapping[str, Any]
    address: Address


@dataclass(frozen=True, slots=True)
class Spec:
    """One topology directory.

    `libraries` are what is built into layers and is no function (`Function.is_library`).
    `sections` has the entries of each kind by name, as models of that kind
    (``sections["routes"]["/api/etl"]``). `broken` names entries (section, name)
    that exist but were invalid, so that a reference to them is no second error.
    `infra` is where its overlays are, or would be; None when what says so is wrong.
    `policies` are those for roles of things that are no functions, by the role's name
    (``flow.etl``). `cases` are the tests of the topology, then those of its functions.
    `files` are all that were read to make it.
    """

    name: str
    dir: Path
    address: Address
    version: str | None = None
    mode: Mode | None = None
    logging: Logging | None = None
    tracing: bool = False
    versions: bool = False
    infra: Path | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    libraries: Mapping[str, Function] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Strict]] = field(default_factory=dict)
    addresses: Mapping[tuple[str, str], Address] = field(default_factory=dict)
    flow: WrittenFlow | None = None
    hooks: tuple[Hook, ...] = ()
    cases: tuple[Case, ...] = ()
    routes_file: RoutesFile | None = None
    policies: Mapping[str, WrittenPolicy] = field(default_factory=dict)
    nodes: tuple[Spec, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()
    files: frozenset[Path] = frozenset()

    def family(self) -> list[Spec]:
        """This topology and every nested one, parents first."""
        return [self, *(spec for node in self.nodes for spec in node.family())]
