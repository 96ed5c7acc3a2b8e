"""Nested topologies: which directories they are in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tc.load.find import sub_directories, topology_file
from tc.load.ignored import is_ignored
from tc.load.reader import Reader
from tc.spec.finding import Address, Finding
from tc.spec.spec import Nodes, TopologyFile


def nested(
    directory: Path, file: TopologyFile, address: Address, ignore: tuple[str, ...], reader: Reader
) -> Iterator[Path]:
    """The directories of the topologies that belong to the one in `directory`.

    Parents before what is below them. A nested topology that has nested ones of
    its own answers for everything below it, so nothing is listed twice; the
    caller skips what it has loaded already.
    """
    nodes = file.nodes or Nodes()
    if not file.recursive and file.nodes is None:
        return
    at = address / "nodes"
    root = reader.directory(directory, nodes.root or ".", at / "root")
    if root is None:
        return
    rules = (*ignore, *nodes.ignore)
    for index, name in enumerate(nodes.dirs):
        path = reader.directory(root, name, at / "dirs" / index)
        if path is None:
            continue
        if topology_file(path) is None:
            message = f"there is no topology.yml in `{name}`"
            reader.findings.append(Finding("missing-file", message, at / "dirs" / index))
        else:
            yield path
    if file.recursive or not nodes.dirs:
        yield from _below(root, rules)


def _below(root: Path, rules: tuple[str, ...]) -> Iterator[Path]:
    waiting = [root]
    while waiting:
        here = waiting.pop()
        kept = [
            path
            for path in sub_directories(here)
            if not is_ignored(path.relative_to(root).as_posix(), rules)
        ]
        yield from (path for path in kept if topology_file(path) is not None)
        waiting += reversed(kept)
