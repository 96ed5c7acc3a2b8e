"""The user's .npmrc for a container: where packages come from, and the tokens for it.

It is a variable of the commands and a file in memory (``/dev/shm``), which ends with the
container: no image, no layer of the container and no log has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLE = "TC_NPMRC"
#: where npm, pnpm and yarn look for it inside
PLACE = "/dev/shm/npmrc"  # noqa: S108
#: writes it there; the commands follow
WRITTEN = f'if [ -n "${VARIABLE}" ]; then (umask 077; printf %s "${VARIABLE}" > {PLACE}); fi'
#: what is true on any machine of the settings in the user's home
_ANYWHERE = re.compile(r"//|@[^:]+:registry|registry\b|always-auth\b|strict-ssl\b|_auth")
_SECRET = re.compile(r"(?:^|:)_(?:authToken|auth|password)$", re.IGNORECASE)
#: (npm's documentation, "npmrc": environment variables)
_REFERENCE = re.compile(r"\$\{([^${}]+)\}")


def variables(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings for packages of `directory` as variables, each token also alone, so that it
    is masked wherever it shows up; empty when there are none."""
    written = environ.get("NPM_CONFIG_USERCONFIG") or environ.get("npm_config_userconfig")
    own = Path(written or Path(environ.get("HOME") or "/") / ".npmrc")
    lines = [line for line in _lines(own, environ) if _ANYWHERE.match(line)]
    lines += _lines(directory / ".npmrc", environ)
    if not lines:
        return {}
    secrets = (value for key, value in map(_pair, lines) if value and _SECRET.search(key))
    tokens = {f"{VARIABLE}_TOKEN_{n}": secret for n, secret in enumerate(secrets)}
    return {VARIABLE: "\n".join(lines) + "\n", **tokens}


def _lines(file: Path, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    for line in map(str.strip, text.splitlines()):
        if line and line[0] not in "#;":
            yield _REFERENCE.sub(lambda found: environ.get(found[1], found[0]), line)


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip(), value.strip().strip("\"'")


def linked(directory: Path, work: Path) -> None:
    """Has a manager on this machine find the .npmrc of `directory` in `work`: by a link, since
    a copy would outlive a run that was killed."""
    if (file := directory / ".npmrc").is_file():
        (work / ".npmrc").symlink_to(os.path.realpath(file))
