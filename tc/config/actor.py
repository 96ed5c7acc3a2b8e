"""Who is at it."""

from __future__ import annotations

import getpass
import os
import re

#: who runs a CI job, in the words of GitHub, GitLab and CircleCI
_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CIRCLE_USERNAME")


def actor() -> str:
    """The CI job's actor, else the user of this machine; a valid tag value."""
    found = next((os.environ[name] for name in _ACTORS if os.environ.get(name)), "")
    if not found:
        try:
            found = getpass.getuser()
        except (KeyError, OSError):  # a container without a passwd entry
            found = "unknown"
    return re.sub(r"[^\w.:/=+@ -]", "_", found)[:256]
