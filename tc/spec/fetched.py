"""Values that stand somewhere else and are fetched when a function is deployed.

::

    ssm:/path                  a parameter of SSM, also `ssm:/path:3` or its ARN
    secretsmanager:name        a secret, by name or ARN
    secretsmanager:name#key    one key of a secret that is a JSON object
    s3://bucket/key            the text of an object
    file:path                  the text of a file of the project
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from tc.records import dataclass

Scheme = Literal["ssm", "secretsmanager", "s3", "file"]

_STARTS: Mapping[str, Scheme] = {
    "ssm:": "ssm",
    "secretsmanager:": "secretsmanager",
    "s3://": "s3",
    "file:": "file",
}
#: names that the services take, with colons for ARNs, versions and labels (API references
#: of GetParameters and GetSecretValue; "Bucket naming rules" of S3)
_SSM = re.compile(r"[\w./:-]+\Z", re.ASCII)
_SECRET = re.compile(r"[\w/+=.@:-]+(#.+)?\Z", re.ASCII)
_OBJECT = re.compile(r"[\w.-]+/.+\Z", re.ASCII)
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
#: stands between the project and the file's path in it, where no normal path has it
_ROOT_END = "//"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Where a value stands. `name` is the service's: a parameter, a secret, ``bucket/key``,
    or for a file its path in the project `root`; `key` is one of a secret's JSON object."""

    scheme: Scheme
    name: str
    key: str = ""
    root: str = ""

    def __str__(self) -> str:
        start = "s3://" if self.scheme == "s3" else f"{self.scheme}:"
        return f"{start}{self.name}" + (f"#{self.key}" if self.key else "")


@dataclass(frozen=True, slots=True, eq=False)
class Secret:
    """A fetched value: equal to the text it is, and shown as where it is from.

    What may not be shown is no text itself, so that nothing prints, joins or
    serialises it by mistake.
    """

    source: str
    _text: str = field(repr=False)

    def __str__(self) -> str:
        return f"({self.source})"

    def __eq__(self, other: object) -> bool:
        text = other._text if isinstance(other, Secret) else other
        return isinstance(text, str) and _digest(text) == _digest(self._text)

    def __hash__(self) -> int:
        return hash(_digest(self._text))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def revealed(value: Any) -> Any:
    """The text of a secret, any other value as it is: for the call that writes it."""
    return value._text if isinstance(value, Secret) else value


def masked(text: str, values: Iterable[Any]) -> str:
    """`text`, in which each of the `values` that is a secret reads as where it is from."""
    secrets = [value for value in values if isinstance(value, Secret) and value._text]
    for secret in sorted(secrets, key=lambda secret: len(secret._text), reverse=True):
        for form in (json.dumps(secret._text)[1:-1], secret._text):
            text = text.replace(form, str(secret))
    return text


def is_reference(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(tuple(_STARTS))


def reference(value: Any) -> Reference | None:
    """Where `value` says that it stands; None for a value that is meant as it is."""
    if not is_reference(value):
        return None
    start = next(start for start in _STARTS if value.startswith(start))
    scheme, name = _STARTS[start], value.removeprefix(start)
    if scheme == "file":
        root, end, path = name.partition(_ROOT_END)
        return Reference(scheme, path, root=root) if end else Reference(scheme, name)
    if scheme == "secretsmanager":
        name, _, key = name.partition("#")
        return Reference(scheme, name, key)
    return Reference(scheme, name)


def mistake(value: str) -> str:
    """What is wrong with the way a reference is written: what would be right, or nothing."""
    found = reference(value)
    assert found
    name = _TEMPLATE.sub("x", value.partition(":")[2])
    if found.scheme == "ssm" and not _SSM.match(name):
        return "write `ssm:/path/of/the/parameter`"
    if found.scheme == "secretsmanager" and not _SECRET.match(name):
        return "write `secretsmanager:name`, or `secretsmanager:name#key`"
    if found.scheme == "s3" and not _OBJECT.match(name.removeprefix("//")):
        return "write `s3://bucket/key`"
    if found.scheme == "file" and not name.strip("/ "):
        return "write `file:path`, from the file that it is written in"
    return ""


def has_template(value: str) -> bool:
    return bool(_TEMPLATE.search(value))


def rooted(value: str, directory: Path, root: Path) -> str:
    """`file:path`, written in `directory`, as ``file:ROOT//PATH``: from everywhere the same file.

    `PATH` may lead out of `root`; who reads the file looks at that.
    """
    path = os.path.normpath(directory / value.removeprefix("file:"))
    return f"file:{root}{_ROOT_END}{os.path.relpath(path, root)}"


def filled_in(
    environment: Mapping[str, Any], values: Mapping[str, Secret]
) -> dict[str, Any] | None:
    """`environment` with the fetched `values` (by reference as it stands there); None while
    one of them isn't known."""
    if any(is_reference(value) and value not in values for value in environment.values()):
        return None
    return {
        name: values[value] if is_reference(value) else value for name, value in environment.items()
    }
