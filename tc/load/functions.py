"""A topology's functions: discovered, written, or both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from tc.load.assemble import Written, assemble
from tc.load.cases import function_cases
from tc.load.discover import Found, functions_below, look_at
from tc.load.infer import MARKERS
from tc.load.overlays import check_tags, texts, variables
from tc.load.reader import Reader
from tc.load.validate import lost_target, validate
from tc.records import dataclass
from tc.spec.finding import Address, Finding
from tc.spec.function import Function, FunctionEntry, FunctionFile
from tc.spec.names import ENTITY_NAME
from tc.spec.test import Case


@dataclass(slots=True)
class Functions:
    """What became of them: usable ones, the names of those that are not, and their tests."""

    good: dict[str, Function] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    cases: list[Case] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """A function's directory, and what its function file says."""

    found: Found
    file: FunctionFile
    file_address: Address | None
    is_broken: bool = False
    is_remote: bool = False

    @property
    def name(self) -> str:
        return self.file.name or self.found.dir.name


def load_functions(
    directory: Path,
    dirs: list[tuple[str, Address]],
    entries: Mapping[str, Any],
    address: Address,
    ignore: tuple[str, ...],
    reader: Reader,
) -> Functions:
    """The functions of the topology in `directory`.

    `dirs` is `function_dirs` with the address of each, `entries` is the mapping
    `functions` of the topology file and `address` where that stands.
    """
    loader = _Loader(directory, ignore, reader)
    places = loader.discover(dirs)
    written = {
        name: loader.entry(name, data, address / name)
        for name, data in entries.items()
        if not name.startswith("x-")
    }
    return loader.match(places, written)


def check_function_files(directory: Path, ignore: tuple[str, ...], reader: Reader) -> None:
    """Tells what is wrong with the function files where the topology can't be read."""
    _Loader(directory, ignore, reader).discover([])


class _Loader:
    def __init__(self, directory: Path, ignore: tuple[str, ...], reader: Reader):
        self.directory = directory
        self.ignore = ignore
        self.reader = reader
        self.result = Functions()
        self.places: dict[Path, _Place] = {}

    def discover(self, dirs: list[tuple[str, Address]]) -> list[_Place]:
        """The functions that stand in the right place, in the order of their names."""
        found = list(functions_below(self.directory, self.ignore, self.reader))
        for name, address in dirs:
            path = self.reader.directory(self.directory, name, address)
            if path is not None:
                found += functions_below(path, (), self.reader)
        return [self._place(one) for one in {one.dir: one for one in found}.values()]

    def entry(self, name: str, data: Any, address: Address) -> Written | None:
        """`functions.NAME`, or None when nothing of it is usable."""
        data = _textual(data, address, self.reader)
        checked = validate(FunctionEntry, data, address, "functions")
        self.reader.findings += checked.findings
        if checked.model is None:
            return None
        if checked.model.name not in (None, name):
            message = f"the function is called `{name}` here and `{checked.model.name}` there"
            finding = Finding("invalid-value", message, address / "name", "take `name` out")
            self.reader.findings.append(finding)
        return Written(checked.model, address, lost_target(checked))

    def match(self, places: list[_Place], written: Mapping[str, Written | None]) -> Functions:
        taken: set[Path] = set()
        self._fetch(written.values())
        for name, entry in written.items():
            if entry is None:
                self.result.broken.add(name)
                taken |= {place.found.dir for place in places if place.name == name}
                continue
            place = self._place_of(name, entry, places)
            if place is None:
                self.result.broken.add(name)
            else:
                taken.add(place.found.dir)
                self._add(name, place, entry)
        for place in places:
            if place.found.dir not in taken:
                self._add(place.name, place, None)
        return self.result

    def _add(self, name: str, place: _Place, entry: Written | None) -> None:
        address = entry.address if entry else place.file_address
        if address is None:
            address = Address(place.found.dir / place.found.markers[0])
        at = address
        if entry is None and place.file_address and place.file.name == name:
            at = place.file_address / "name"
        if not ENTITY_NAME.match(name):
            message = f"`{name}` can't name a function: letters, digits, - and _ only"
            self.reader.findings.append(Finding("invalid-name", message, at))
            return
        if name in self.result.addresses:
            message = f"there are two functions `{name}`"
            hint = f"the other one is in {self._shown(self.result.good.get(name))}"
            self.reader.findings.append(Finding("duplicate-name", message, at, hint))
            return
        self.result.addresses[name] = address
        function = None
        if not place.is_broken and not (entry and entry.lost_target):
            file = Written(place.file, place.file_address) if place.file_address else None
            if file and entry and place.is_remote:
                file = without_commands(file, entry, self.reader)
            function = assemble(name, place.found, address, file, entry, self.reader)
        if function is None:
            self.result.broken.add(name)
        else:
            ignore = (*self._inherited(place.found.dir), *function.ignore)
            self.result.good[name] = replace(function, ignore=ignore)
            self._add_cases(name, None if place.is_remote else file, entry)

    def _add_cases(self, name: str, file: Written | None, entry: Written | None) -> None:
        """The tests of a function; of two of one name that of the topology."""
        cases = {
            case.name: case
            for part in (file, entry)
            if part and part.model.test is not None
            for case in function_cases(name, part.model.test, part.address / "test", self.reader)
        }
        self.result.cases += cases.values()

    def _inherited(self, directory: Path) -> tuple[str, ...]:
        if not self.ignore or not directory.is_relative_to(self.directory):
            return ()
        from tc.load.ignored import rebased

        return rebased(self.ignore, directory.relative_to(self.directory).as_posix())

    def _shown(self, function: Function | None) -> str:
        return f"{function.dir.name}/" if function else "another directory"

    def _place_of(self, name: str, entry: Written, places: list[_Place]) -> _Place | None:
        uri = getattr(entry.model, "uri", None)
        if uri is not None:
            return self._place_at(name, uri, entry.address / "uri")
        for place in places:
            if place.name == name:
                return place
        runtime = entry.model.runtime
        if runtime.code is not None or runtime.package_type == "image":
            return _Place(Found(self.directory, ()), FunctionFile(), None)
        other = next((place for place in places if place.found.dir.name == name), None)
        hint = (
            f"{name}/ is the function `{other.name}`: write functions.{other.name}" if other else ""
        )
        if other is None:
            looked = f"{name}/handler.{{py,rb,js,mjs,clj}}, main.go, Cargo.toml, function.json"
            hint = f"looked for {looked}; `uri` names another directory"
        message = f"there is no code of the function `{name}`"
        self.reader.findings.append(Finding("no-code", message, entry.address, hint, "key"))
        return None

    def _place_at(self, name: str, uri: str, address: Address) -> _Place | None:
        from tc.load.remote import is_remote

        reader = self.reader
        base, directory = self.directory, uri
        if is_remote(uri):
            cloned = self._cloned(uri, address)
            if cloned is None:
                return None
            base, directory = cloned
            reader = self.reader.of(base)
        path = reader.directory(base, directory, address)
        if path is None:
            return None
        found = look_at(path)
        if found is None or not found.markers:
            message = f"there is no code of the function `{name}` in {uri}"
            hint = f"looked for {', '.join(MARKERS)}, function.json"
            self.reader.findings.append(Finding("no-code", message, address, hint))
            return None
        place = self._place(found, reader)
        return place if reader is self.reader else replace(place, is_remote=True)

    def _fetch(self, written: Iterable[Written | None]) -> None:
        """Fetches the git repositories of `written`, all at once, those of this run once."""
        uris = [uri for one in written if one and (uri := getattr(one.model, "uri", None))]
        if not uris:
            return
        from tc.load.remote import RemoteError, checkouts, is_remote, parse

        remotes = []
        for uri in uris:
            if is_remote(uri):
                with suppress(RemoteError):  # told where the function is looked for
                    remotes.append(parse(uri))
        known = self.reader.checkouts
        known.update(checkouts(r for r in remotes if (r.url, r.ref) not in known))

    def _cloned(self, uri: str, address: Address) -> tuple[Path, str] | None:
        """The files of a git repository, and the directory in it that `uri` names."""
        from tc.load.remote import RemoteError, parse

        try:
            remote = parse(uri)
            made = self.reader.checkouts[remote.url, remote.ref]
            if isinstance(made, RemoteError):
                raise made
        except RemoteError as error:
            finding = Finding(error.code, str(error), address, error.hint)
            self.reader.findings.append(finding)
            return None
        if made.stale:
            message = f"{made.stale}; what it was the last time is used, {made.commit[:10]}"
            finding = Finding("stale-remote", message, address, severity="warning")
            self.reader.findings.append(finding)
        return made.path, remote.directory or "."

    def _place(self, found: Found, reader: Reader | None = None) -> _Place:
        if found.dir not in self.places:
            self.places[found.dir] = self._read_place(found, reader or self.reader)
        return self.places[found.dir]

    def _read_place(self, found: Found, reader: Reader) -> _Place:
        files = found.function_files
        if not files:
            return _Place(found, FunctionFile(), None)
        file = found.dir / files[0]
        address = Address(file)
        if len(files) > 1:
            message = f"{files[0]} and {files[1]} both describe the function"
            finding = Finding("two-files", message, address, "keep one of them")
            self.reader.findings.append(finding)
        data = reader.read_mapping(file, "a function file")
        if data is None:
            return _Place(found, FunctionFile(), address, is_broken=True)
        data = _textual(data, address, reader)
        checked = validate(FunctionFile, data, address, "function file")
        self.reader.findings += checked.findings
        return _Place(found, checked.model or FunctionFile(), address, checked.model is None)


def without_commands(file: Written, entry: Written, reader: Reader) -> Written:
    """The function file of somebody else's repository: what its commands are is said in the
    topology, or nothing runs."""
    own = entry.model
    said = [f"tasks.{name}" for name in ("build",) if file.model.tasks.get(name)]
    said += [
        f"build.{name}" for name in ("pre", "command", "post") if getattr(file.model.build, name)
    ]
    if said and not (own.tasks.get("build") or own.build.command):
        message = f"commands of another repository aren't run: its `{said[0]}`"
        hint = "look at it, and write `build: {command: …}` here if it shall run"
        reader.findings.append(Finding("remote-build", message, entry.address, hint, "key"))
    build = file.model.build.model_copy(update={"pre": [], "command": None, "post": []})
    return replace(file, model=file.model.model_copy(update={"tasks": {}, "build": build}))


def _textual(data: Any, address: Address, reader: Reader) -> Any:
    """`data` with variables and tags as they were written: they are text."""
    if not isinstance(data, Mapping):
        return data
    made = {key: texts(value) if key == "tags" else value for key, value in data.items()}
    reader.findings += check_tags(made.get("tags"), address / "tags")
    runtime = made.get("runtime")
    if isinstance(runtime, Mapping) and "environment" in runtime:
        at = address / "runtime" / "environment"
        made["runtime"] = {**runtime, "environment": variables(runtime["environment"], at, reader)}
    return made
