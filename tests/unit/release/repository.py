"""Real git repositories for tests: what git does is never played."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tc.components import sections
from tc.load.load import load
from tc.release.closure import Closure, closure_of
from tc.release.git import Repo

ETL = "name: etl\nfunctions:\n  enhancer: {}\n"
HANDLER = "def handler(event, context):\n    return {}\n"
#: nobody's settings, and a clock that goes one minute with each commit
SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_ALLOW_PROTOCOL": "file",
}


class Repository:
    """A repository at `root`; files are written and committed in one step."""

    def __init__(self, root: Path, *, made: bool = True):
        self.root = root
        self.minutes = 0
        if made:
            root.mkdir(parents=True, exist_ok=True)
            self.git("init", "-q", "-b", "main")

    @property
    def repo(self) -> Repo:
        return Repo.find(self.root)

    def git(self, *words: str, data: bytes | None = None) -> str:
        when = f"{1_700_000_000 + 60 * self.minutes} +0000"
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env={
                **os.environ,
                **SETTINGS,
                "GIT_AUTHOR_DATE": when,
                "GIT_COMMITTER_DATE": when,
            },
            input=data,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, message: str | bytes, files: dict[str, str], *tags: str) -> str:
        """The sha of a commit of `files`; `tags` are annotated."""
        self.minutes += 1
        self.write(files)
        self.git("add", "-A")
        data = message.encode() if isinstance(message, str) else message
        self.git("commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-", data=data)
        for tag in tags:
            self.tag(tag)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        self.git("tag", "-a", "-m", name, name)

    def closure(self, directory: str = "etl") -> Closure:
        spec = load(self.root / directory, sections()).spec
        assert spec
        return closure_of(spec, self.repo.root)
