"""One topology file, and those nested below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import create_model

from tc.load.cases import topology_cases
from tc.load.dead_letters import add_dead_letter_queues
from tc.load.find import TOPOLOGY_FILES, topology_file
from tc.load.functions import Functions, check_function_files, load_functions
from tc.load.gateway import read_routes_file
from tc.load.handlers import read_handlers
from tc.load.hooks import load_hooks, read_hooks, read_tags
from tc.load.ignored import patterns
from tc.load.nodes import nested
from tc.load.overlays import check_tags, read_policies, texts, with_overlays
from tc.load.reader import Reader
from tc.load.scalars import as_text, plain
from tc.load.sections import Sections, load_section
from tc.load.stores import load_stores
from tc.load.text import exists, is_dir
from tc.load.validate import validate
from tc.spec.base import Strict
from tc.spec.finding import Address, Finding
from tc.spec.names import NAME
from tc.spec.spec import Spec, TopologyFile, WrittenFlow

_FLOW_KEYS = ("flow", "states")
#: sections with more entries in a file beside vars/
_OVERLAID = frozenset({"schedules"})
_FLOW_ENDINGS = (".yml", ".yaml", ".json")


def _with_sections(sections: Mapping[str, type[Strict]]) -> type[TopologyFile]:
    """topology.yml with the names of its sections, so that a slip of one is told well."""
    fields: dict[str, Any] = dict.fromkeys(sections, (Any, None))
    model: type[TopologyFile] = create_model("TopologyFile", __base__=TopologyFile, **fields)
    return model


class Project:
    """The topologies of one run: each directory is loaded once, each name is used once."""

    def __init__(self, reader: Reader, sections: Mapping[str, type[Strict]]):
        self.reader = reader
        self.sections = sections
        self.model = _with_sections(sections)
        self.loaded: set[Path] = set()
        self.named: dict[str, Path] = {}

    def load(self, directory: Path) -> Spec | None:
        """The topology in `directory`; None when its file is no mapping at all."""
        self.loaded.add(directory.resolve())
        file = topology_file(directory)
        assert file is not None
        self._check_alone(file)
        data = self.reader.read_mapping(file, "a topology")
        if data is None:
            check_function_files(directory, patterns(directory, self.reader.findings), self.reader)
            return None
        return self._spec(directory, file, data)

    def _check_alone(self, file: Path) -> None:
        others = [name for name in TOPOLOGY_FILES if exists(file.parent / name)]
        if len(others) > 1:
            message = f"{' and '.join(others)} are both here"
            finding = Finding("two-files", message, Address(file), "keep one of them")
            self.reader.findings.append(finding)

    def _spec(self, directory: Path, file: Path, data: dict[str, Any]) -> Spec:
        address = Address(file)
        top = self._top(data, address)
        name = self._named(top, data, file)
        ignore = patterns(directory, self.reader.findings)
        functions = self._functions(directory, top, data, address, ignore)
        base = self._infra(name, directory, top, address)
        sections = self._sections(data, address, base)
        flow, flow_broken = self._flow(directory, data, top, address)
        addresses = {("functions", key): at for key, at in functions.addresses.items()}
        addresses |= sections.addresses
        if flow:
            addresses[("flow", name)] = flow.address
        broken = {("functions", key) for key in functions.broken} | sections.broken
        if flow_broken:
            broken.add(("flow", name))
        self.reader.findings += check_tags(top.tags, address / "tags")
        hooks = load_hooks(data.get("hooks"), directory, address / "hooks", self.reader)
        return Spec(
            name=name,
            dir=directory,
            address=address,
            version=top.version,
            mode=top.mode,
            logging=top.logging,
            tracing=top.tracing,
            versions=top.versions,
            infra=base,
            tags={**top.tags, **(read_tags(base, self.reader) if base else {})},
            functions=with_overlays(base, functions.addresses, functions.good, self.reader),
            sections=sections.good,
            addresses=addresses,
            flow=flow,
            cases=(*topology_cases(top.tests, address / "tests", self.reader), *functions.cases),
            hooks=(*hooks, *(read_hooks(base, directory, self.reader) if base else ())),
            routes_file=read_routes_file(base, self.reader),
            policies=read_policies(base, self.reader) if base else {},
            nodes=self._nodes(directory, top, address, ignore),
            broken=frozenset(broken),
        )

    def _top(self, data: dict[str, Any], address: Address) -> TopologyFile:
        """The keys that are the topology's own; what is unusable has its default."""
        own = {
            key: value
            for key, value in data.items()
            if key not in self.sections and key != "hooks" and not key.startswith("x-")
        }
        for key in ("functions", "tests", *_FLOW_KEYS):
            if own.get(key, "") is None:
                del own[key]
        if "version" in own:
            own["version"] = as_text(own["version"])
        if "tags" in own:
            own["tags"] = texts(own["tags"])
        checked = validate(self.model, own, address, "topology")
        self.reader.findings += checked.findings
        if checked.model is not None:
            return checked.model
        rest = validate(self.model, {**own, "name": "unnamed"}, address, "topology")
        return rest.model or TopologyFile(name="unnamed")

    def _named(self, top: TopologyFile, data: Mapping[str, Any], file: Path) -> str:
        """The topology's name, or one to go on with when it has none."""
        written = data.get("name")
        address = Address(file) / "name"
        if not isinstance(written, str):
            name = file.parent.name
            return name if NAME.match(name) else "unnamed"
        if not NAME.match(top.name):
            message = f"`{written}` can't name a topology: a-z, 0-9 and - only, no - at the start"
            hint = _name_like(written)
            self.reader.findings.append(Finding("invalid-name", message, address, hint))
        elif top.name in self.named:
            message = f"there are two topologies `{top.name}`"
            hint = f"the other one is {self.named[top.name]}"
            self.reader.findings.append(Finding("duplicate-name", message, address, hint))
        self.named.setdefault(top.name, file)
        return top.name

    def _functions(
        self,
        directory: Path,
        top: TopologyFile,
        data: Mapping[str, Any],
        address: Address,
        ignore: tuple[str, ...],
    ) -> Functions:
        dirs = [
            (name, address / "function_dirs" / index)
            for index, name in enumerate(top.function_dirs)
        ]
        written = data.get("functions")
        entries = written if isinstance(written, dict) else {}
        return load_functions(directory, dirs, entries, address / "functions", ignore, self.reader)

    def _sections(self, data: Mapping[str, Any], address: Address, base: Path | None) -> Sections:
        result = Sections()
        for section, model in self.sections.items():
            if section in data and data[section] is not None:
                load_section(section, model, data[section], address / section, self.reader, result)
            file = base / f"{section}.json" if base and section in _OVERLAID else None
            if file and exists(file):
                entries = self.reader.read_mapping(file, section)
                load_section(section, model, entries or {}, Address(file), self.reader, result)
        load_stores(data.get("stores"), address / "stores", self.sections, self.reader, result)
        add_dead_letter_queues(result, self.sections)
        read_handlers(result, address.file.parent, self.reader)
        return result

    def _flow(
        self, directory: Path, data: Mapping[str, Any], top: TopologyFile, address: Address
    ) -> tuple[WrittenFlow | None, bool]:
        """The written flow, and whether there is one that can't be used."""
        keys = [key for key in _FLOW_KEYS if data.get(key) is not None]
        if not keys:
            return None, address.file in self.reader.incomplete
        if len(keys) > 1:
            message = "`flow` and `states` mean the same, and both are here"
            finding = Finding("duplicate-key", message, address / "states", "keep one", "key")
            self.reader.findings.append(finding)
        written = getattr(top, keys[0])
        if isinstance(written, dict):
            return WrittenFlow(plain(written), address / keys[0]), False
        if written is None:
            return None, True
        flow = self._flow_file(directory, written, address / keys[0])
        return flow, flow is None

    def _flow_file(self, directory: Path, name: str, address: Address) -> WrittenFlow | None:
        file = directory / name
        code, message, hint = "", "", ""
        if not name.endswith(_FLOW_ENDINGS):
            code, message = "invalid-value", "a flow is a mapping, or the path of a .yml or .json"
        elif not self.reader.inside(file):
            code, message = "outside-project", f"`{name}` is outside the project"
            hint = f"the project is {self.reader.root}"
        elif not exists(file):
            code, message = "missing-file", f"there is no file `{name}`"
        if code:
            self.reader.findings.append(Finding(code, message, address, hint))
            return None
        definition = self.reader.read_mapping(file, "a flow")
        return None if definition is None else WrittenFlow(plain(definition), Address(file))

    def _infra(
        self, name: str, directory: Path, top: TopologyFile, address: Address
    ) -> Path | None:
        """The directory of vars/ and roles/: the default one, or `infra` from the topology's.

        `infra` may also hold a directory for each topology, as the default does.
        """
        if top.infra is None:
            return self.reader.root / "infrastructure" / "tc" / name
        base_dir = self.reader.directory(directory, top.infra, address / "infra")
        if base_dir is None:
            return None
        own = base_dir / name
        return own if is_dir(own) else base_dir

    def _nodes(
        self, directory: Path, top: TopologyFile, address: Address, ignore: tuple[str, ...]
    ) -> tuple[Spec, ...]:
        found = []
        for path in nested(directory, top, address, ignore, self.reader):
            if path.resolve() not in self.loaded:
                found.append(self.load(path))
        return tuple(spec for spec in found if spec is not None)


def _name_like(written: str) -> str:
    """A name that would do, made of `written`."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in written.lower()[:60])
    name = "-".join(part for part in kept.split("-") if part)
    return f"`{name}` would do" if name else ""
