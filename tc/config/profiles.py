"""The profiles of the user's AWS files, read without botocore."""

from __future__ import annotations

import os
from pathlib import Path

from tc.errors import UsageError


def aws_profiles() -> list[str]:
    """The profiles of the user's AWS files, by name. Unreadable files have none."""
    names: set[str] = set()
    for variable, default, prefix in _AWS_FILES:
        path = Path(os.environ.get(variable) or default).expanduser()
        for section in _sections(path):
            if section == "default":
                names.add(section)
            elif section.startswith(prefix):
                names.add(section.removeprefix(prefix).strip().strip("'\""))
    return sorted(names)


#: variable that names the file, its default, what stands before a profile's name
_AWS_FILES = (
    ("AWS_CONFIG_FILE", "~/.aws/config", "profile "),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", ""),
)


def _sections(path: Path) -> list[str]:
    import configparser

    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "this file isn't a valid AWS configuration", code="aws-config", where=str(path)
        ) from error
    return parser.sections()
