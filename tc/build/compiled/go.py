"""Go: what a program is made of, and how the compiler is called.

Which files count is read from the imports, without starting the compiler: the packages of this
machine that the program imports, from its own module, from modules that stand beside it
(``replace x => ../x``) and from those of a ``go.work``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tc.build.run import without
from tc.build.words import shown
from tc.errors import TcError
from tc.spec.layer import Platform

PROGRAM = "go"
LANGUAGE = "Go"
HINT = "go build"
#: Lambda's CPUs in Go's words
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
#: (Lambda developer guide, "Define Lambda function handlers in Go": smaller without the RPC
#: of the runtime that is gone)
_TAGS = "lambda.norpc"
_BLOCK = re.compile(r"^import\s*\((.*?)^\)", re.MULTILINE | re.DOTALL)
_SINGLE = re.compile(r'^import\s+(?:[\w.]+\s+)?["`]([^"`]+)["`]', re.MULTILINE)
_QUOTED = re.compile(r'^\s*(?:[\w.]+\s+)?["`]([^"`]+)["`]', re.MULTILINE)
_EMBEDS = re.compile(rb"^//go:embed ", re.MULTILINE)
_MODULE = re.compile(r'^\s*module\s+"?([^\s"]+)"?', re.MULTILINE)
_REPLACE = re.compile(r'=>\s*"?(\.{1,2}(?:/[^\s"]*)?|/[^\s"]+)"?\s*(?://.*)?$', re.MULTILINE)
_USE = re.compile(r'^\s*(?:use\s+)?"?(\.{1,2}(?:/[^\s"]*)?|/[^\s"]+)"?\s*(?://.*)?$', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
_SETTINGS = ("go.mod", "go.sum", "go.work", "go.work.sum")


@dataclass(slots=True)
class _Modules:
    """The modules of this machine: their directories by their paths (``example.com/x``)."""

    dirs: dict[str, Path] = field(default_factory=dict)
    settings: list[Path] = field(default_factory=list)

    def package(self, imported: str) -> Path | None:
        """The directory of a package, None for one from elsewhere."""
        for path, directory in self.dirs.items():
            if imported == path or imported.startswith(f"{path}/"):
                return directory / imported[len(path) + 1 :]
        return None

    def add(self, directory: Path) -> None:
        file = directory / "go.mod"
        if file in self.settings or not file.is_file():
            return
        text = _COMMENT.sub("", _text(file))
        self.settings += [file, *_there(directory, "go.sum")]
        if found := _MODULE.search(text):
            self.dirs[found[1]] = directory
        for target in _REPLACE.findall(text):
            self.add(Path(os.path.normpath(directory / target)))


def inputs(directory: Path, project: Path) -> list[Path]:
    """The files that the program in `directory` is compiled of, below `project` or beside it."""
    modules = _modules(directory, project)
    found: dict[Path, None] = dict.fromkeys(modules.settings)
    todo, seen = [directory], {directory}
    while todo:
        package = todo.pop()
        files = list(_package(package))
        found |= dict.fromkeys(files)
        for file in files:
            if file.suffix != ".go" or file.name.endswith("_test.go"):
                continue
            for imported in _imports(_text(file)):
                other = modules.package(imported)
                if other is not None and other not in seen and other.is_dir():
                    seen.add(other)
                    todo.append(other)
    for module in modules.dirs.values():
        found |= dict.fromkeys(_below(module / "vendor"))
    return sorted(found)


def _modules(directory: Path, project: Path) -> _Modules:
    modules = _Modules()
    for above in (directory, *directory.parents):
        if (above / "go.mod").is_file():
            modules.add(above)
            break
        if above == project:
            break
    for above in (directory, *directory.parents):
        if os.environ.get("GOWORK") != "off" and (above / "go.work").is_file():
            modules.settings += _there(above, "go.work", "go.work.sum")
            text = _COMMENT.sub("", _text(above / "go.work"))
            for target in _USE.findall(text):
                modules.add(Path(os.path.normpath(above / target)))
            break
        if above == project:
            break
    return modules


def _there(directory: Path, *names: str) -> list[Path]:
    return [directory / name for name in names if (directory / name).is_file()]


def _package(directory: Path) -> Iterator[Path]:
    """The files of one package; those below it too when it embeds files."""
    files = [
        Path(entry.path)
        for entry in os.scandir(directory)
        if entry.is_file() and not entry.name.startswith(".") and entry.name not in _SETTINGS
    ]
    if any(file.suffix == ".go" and _EMBEDS.search(file.read_bytes()) for file in files):
        yield from _below(directory)
    else:
        yield from files


def _below(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder, name) for name in names)


def _imports(text: str) -> Iterable[str]:
    yield from _SINGLE.findall(text)
    for block in _BLOCK.findall(text):
        yield from _QUOTED.findall(block)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def words(directory: Path, output: str) -> list[str]:
    """The compiler's command line; without a go.mod the files are named one by one."""
    made = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid="]
    made += ["-tags", _TAGS, "-o", output]
    if _has_module(directory):
        return [*made, "."]
    return [*made, *sorted(f.name for f in directory.glob("*.go") if _is_code(f))]


def _has_module(directory: Path) -> bool:
    return any((above / "go.mod").is_file() for above in (directory, *directory.parents))


def _is_code(file: Path) -> bool:
    return not file.name.endswith("_test.go")


def environment(given: Mapping[str, str], platform: Platform) -> dict[str, str]:
    """For Lambda's system and CPU; on ``-e local`` for this machine's."""
    made = without(given, "GOOS", "GOARCH", "CGO_ENABLED")
    made["CGO_ENABLED"] = "0"
    if not platform.host:
        made |= {"GOOS": "linux", "GOARCH": ARCHITECTURES[platform.arch]}
    return made


def check(directory: Path) -> None:
    """Raises TcError when the directory can't be a program."""
    if not any(directory.glob("*.go")):
        raise TcError(
            f"there is no Go file in {directory.name}/",
            code="no-build",
            where=shown(directory),
            hint="write main.go, or `tasks.build`",
        )
