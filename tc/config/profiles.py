"""The profiles of the user's AWS files, read without botocore."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from tc.errors import UsageError


def aws_profiles() -> list[str]:
    """The profiles of the user's AWS files, by name. Unreadable files have none."""
    return sorted(aws_settings()["profiles"])


#: variable that names the file, its default, what stands before a profile's name
_AWS_FILES = (
    ("AWS_CONFIG_FILE", "~/.aws/config", "profile "),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", ""),
)


def aws_settings() -> dict[str, dict[str, dict[str, str]]]:
    """The user's AWS files as botocore's ``full_config`` has them: `profiles` and `sso_sessions`,
    by name. Secrets are among them."""
    found: dict[str, dict[str, dict[str, str]]] = {"profiles": {}, "sso_sessions": {}}
    for path, prefix in aws_files():
        for section, settings in _read(path).items():
            name = section.removeprefix(prefix).strip().strip("'\"")
            if section == "default" or section.startswith(prefix):
                found["profiles"].setdefault(name, {}).update(settings)
            elif section.startswith("sso-session "):
                session = section.removeprefix("sso-session ").strip().strip("'\"")
                found["sso_sessions"][session] = settings
    return found


def file_of(profile: str, keys: Collection[str]) -> Path | None:
    """The file that gives `profile` one of `keys`; the later one wins, as with botocore."""
    found = None
    for path, prefix in aws_files():
        for section, settings in _read(path).items():
            name = section.removeprefix(prefix).strip().strip("'\"")
            named = section == "default" or section.startswith(prefix)
            if named and name == profile and not settings.keys().isdisjoint(keys):
                found = path
    return found


def aws_files() -> list[tuple[Path, str]]:
    """The user's AWS files, each with what stands before the name of a profile there."""
    return [
        (Path(os.environ.get(variable) or default).expanduser(), prefix)
        for variable, default, prefix in _AWS_FILES
    ]


def _read(path: Path) -> dict[str, dict[str, str]]:
    import configparser

    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "this file isn't a valid AWS configuration", code="aws-config", where=str(path)
        ) from error
    return {section: dict(parser.items(section)) for section in parser.sections()}
