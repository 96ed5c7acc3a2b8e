"""The `zip` that build commands find where the machine has none.

A program of its own, run as ``zip``; it imports nothing of tc. It understands
what build commands usually say and refuses every other flag::

    zip [-r] [-q] [-j] [-0 … -9] [-D] [-X] OUT[.zip] FILE… [-x PATTERN…]

Like Info-ZIP's it adds to an archive that is there, replaces entries of the same
name, follows links, leaves OUT itself out, warns of a file that isn't there, and
fails (12) when nothing is left to do.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

_USAGE, _NOTHING, _FAILED = 16, 12, 15
_LEVELS = "0123456789"
_FLAGS = "rqjDX" + _LEVELS
_LONG = {"--recurse-paths": "-r", "--quiet": "-q", "--junk-paths": "-j", "--exclude": "-x"}


class Refused(Exception):
    """The command can't be done; the arguments are the exit code and the reason."""


@dataclass
class Wish:
    """A parsed command line; `names` are OUT and the files."""

    flags: set[str] = field(default_factory=set)
    excluded: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    try:
        return _run(_parse(arguments))
    except Refused as error:
        code, reason = error.args
    except (OSError, zipfile.BadZipFile) as error:
        code, reason = _FAILED, error
    _say(str(reason))
    return int(code)


def _say(reason: str) -> None:
    sys.stderr.write(f"zip (tc's own, as this machine has none): {reason}\n")


def _parse(arguments: list[str]) -> Wish:
    wish = Wish()
    excluding = only_names = False
    for argument in arguments:
        if only_names or not argument.startswith("-"):
            # A lone @ ends the list of patterns, as in Info-ZIP's.
            if excluding and argument != "@":
                wish.excluded.append(argument)
            elif not excluding:
                wish.names.append(argument)
            excluding = excluding and argument != "@"
        elif argument == "--":
            only_names, excluding = True, False
        else:
            excluding = _flags(_LONG.get(argument, argument), wish)
    if not wish.names:
        raise Refused(_USAGE, "no archive was named")
    return wish


def _flags(argument: str, wish: Wish) -> bool:
    """Takes ``-rq9`` apart; whether patterns to leave out follow."""
    letters = argument[1:]
    for index, letter in enumerate(letters):
        if letter == "x":
            rest = letters[index + 1 :]
            wish.excluded += [rest] if rest else []
            return True
        if letter not in _FLAGS:
            break
        wish.flags.add(letter)
    else:
        if letters:
            return False
    raise Refused(_USAGE, f"it doesn't know {argument}: install zip for that")


def _run(wish: Wish) -> int:
    out = Path(wish.names[0])
    if not out.suffix:
        out = out.with_name(f"{out.name}.zip")
    files: dict[str, Path] = {}
    for source in map(Path, wish.names[1:]):
        if not os.path.lexists(source):
            _say(f"there is no {source}")
        for path in _expand(source, "r" in wish.flags):
            name = path.name if "j" in wish.flags else _member(path)
            left_out = any(fnmatchcase(name, pattern) for pattern in wish.excluded)
            if path.absolute() != out.absolute() and not left_out:
                files[name] = path
    if not files:
        raise Refused(_NOTHING, f"no file to put into {out}")
    _write(out, files, wish.flags)
    if "q" not in wish.flags:
        sys.stdout.writelines(f"  adding: {name}\n" for name in files)
    return 0


def _expand(source: Path, recurse: bool) -> Iterator[Path]:
    """The files that `source` means, those of directories only when asked."""
    if source.is_file():
        yield source
    elif recurse and source.is_dir():
        for inner in sorted(source.iterdir()):
            yield from _expand(inner, recurse)


def _member(path: Path) -> str:
    """The name in the archive; like Info-ZIP's it keeps a leading ``..``."""
    return path.as_posix().removeprefix(path.anchor)


def _write(out: Path, files: dict[str, Path], flags: set[str]) -> None:
    """Writes beside `out` and takes its place at the end: the old archive lives until then."""
    level = max((int(flag) for flag in flags & set(_LEVELS)), default=6)
    method = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    temporary = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(
            temporary, "w", method, compresslevel=level or None, strict_timestamps=False
        ) as new:
            if out.exists():
                _keep(out, new, files)
            for name, path in files.items():
                new.write(path, name)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _keep(out: Path, new: zipfile.ZipFile, files: dict[str, Path]) -> None:
    """Takes over what was in `out` and is not written anew."""
    with zipfile.ZipFile(out) as old:
        for info in old.infolist():
            if info.filename not in files:
                new.writestr(info, old.read(info))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
