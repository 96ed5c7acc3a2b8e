"""The `zip` that build commands find where the machine has none.

A program of its own, run as ``zip``; it imports nothing of tc. It understands
what build commands usually say and refuses every other flag::

    zip [-r] [-q] [-j] [-0 … -9] [-D] [-X] OUT[.zip] FILE… [-x PATTERN…]

Like Info-ZIP's it adds to an archive that is there, replaces entries of the same
name, drops ``./``, leaves OUT itself out, and fails (12) when nothing is left.
"""

from __future__ import annotations

import os
import stat
import sys
import zipfile
from fnmatch import fnmatchcase

_USAGE, _NOTHING, _NO_FILE = 16, 12, 18
_LEVELS = "0123456789"
_FLAGS = "rqjDX" + _LEVELS
_LONG = {"--recurse-paths": "r", "--quiet": "q", "--junk-paths": "j", "--exclude": "x"}


class Refused(Exception):
    """The command can't be done; the arguments are the exit code and the reason."""


def main(arguments: list[str]) -> int:
    try:
        flags, excluded, names = _parse(arguments)
        return _run(flags, excluded, names)
    except Refused as error:
        code, reason = error.args
        sys.stderr.write(f"zip (tc's own, this machine has none): {reason}\n")
        return int(code)
    except (OSError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"zip (tc's own, this machine has none): {error}\n")
        return 15


def _parse(arguments: list[str]) -> tuple[set[str], list[str], list[str]]:
    """(flags, excluded patterns, OUT and files)."""
    flags: set[str] = set()
    excluded: list[str] = []
    names: list[str] = []
    excluding = literal = False
    for argument in arguments:
        if literal or argument == "-" or not argument.startswith("-"):
            # A lone @ ends the list of patterns, as in Info-ZIP's.
            if excluding and argument == "@":
                excluding = False
            else:
                (excluded if excluding else names).append(argument)
            continue
        if argument == "--":
            literal, excluding = True, False
            continue
        excluding = False
        letters = _LONG.get(argument, "") if argument.startswith("--") else argument[1:]
        if not letters:
            raise Refused(_USAGE, f"it has no {argument}; install zip for that")
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "x":
                excluding = True
                if letters:
                    excluded.append(letters)
                letters = ""
            elif letter in _FLAGS:
                flags.add(letter)
            else:
                raise Refused(_USAGE, f"it has no flag -{letter}; install zip for that")
    if not names:
        raise Refused(_USAGE, "no archive was named")
    if "-" in names:
        raise Refused(_USAGE, "it does not read or write streams; install zip for that")
    return flags, excluded, names


def _run(flags: set[str], excluded: list[str], names: list[str]) -> int:
    out, sources = names[0], names[1:]
    if "." not in os.path.basename(out):
        out += ".zip"
    files: dict[str, str] = {}
    for source in sources:
        if not os.path.lexists(source):
            raise Refused(_NO_FILE, f"there is no {source}")
        for path in _expand(source, "r" in flags):
            name = os.path.basename(path) if "j" in flags else _member(path)
            if not _same(path, out) and not any(fnmatchcase(name, p) for p in excluded):
                files[name] = path
    if not files:
        raise Refused(_NOTHING, f"nothing to do: no file for {out}")
    _write(out, files, flags)
    if "q" not in flags:
        for name in files:
            sys.stdout.write(f"  adding: {name}\n")
    return 0


def _expand(source: str, recurse: bool) -> list[str]:
    """The files that `source` means, those of directories only when asked."""
    if not os.path.isdir(source):
        return [source]
    if not recurse:
        return []
    return [
        os.path.join(folder, name)
        for folder, directories, names in os.walk(source, followlinks=False)
        for name in sorted(names) + [d for d in directories if _is_link(folder, d)]
    ]


def _is_link(folder: str, name: str) -> bool:
    return os.path.islink(os.path.join(folder, name))


def _member(path: str) -> str:
    """The name in the archive: never absolute, never leading out of it."""
    parts = os.path.normpath(path).split(os.sep)
    while parts and parts[0] in ("", "..", "."):
        parts = parts[1:]
    return "/".join(parts)


def _same(path: str, out: str) -> bool:
    return os.path.abspath(path) == os.path.abspath(out)


def _write(out: str, files: dict[str, str], flags: set[str]) -> None:
    """Writes beside `out` and takes its place at the end: the old archive lives until then."""
    level = max((int(flag) for flag in flags & set(_LEVELS)), default=6)
    method = zipfile.ZIP_STORED if level == 0 else zipfile.ZIP_DEFLATED
    temporary = f"{out}.{os.getpid()}.part"
    try:
        with zipfile.ZipFile(
            temporary, "w", method, compresslevel=level or None, strict_timestamps=False
        ) as new:
            if os.path.exists(out):
                with zipfile.ZipFile(out) as old:
                    for info in old.infolist():
                        if info.filename not in files:
                            new.writestr(info, old.read(info))
            for name, path in files.items():
                _add(new, name, path)
        os.replace(temporary, out)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _add(new: zipfile.ZipFile, name: str, path: str) -> None:
    """Adds a file; a link's contents, or of a linked directory all that is in it."""
    if not os.path.isdir(path):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Refused(_NO_FILE, f"{path} is no file")
        new.write(path, name)
        return
    for inner in sorted(os.listdir(path)):
        _add(new, f"{name}/{inner}", os.path.join(path, inner))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
