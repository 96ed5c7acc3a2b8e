"""A repository of three topologies with a history, as a team has it: what is shared, a remote,
two envs that are two engines.

``etl`` and ``reports`` share the function `normalise` and the library `words`; ``alerts``
shares nothing.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e_support import ACCOUNT, Lab, Said

TOPOLOGIES = ("alerts", "etl", "reports")
COMMITS = 50

_ENHANCER = """\
from words import greeting


def handler(event, context):
    return {"version": "one", "said": greeting(event)}
"""
_LOADER = """\
def handler(event, context):
    return {"first": event["version"], "second": "one", "said": event["said"]}
"""
_FUNCTION = {"runtime": {"lang": "python3.12"}}
_WITH_WORDS = {"runtime": {"lang": "python3.12", "layers": ["words"]}}
_ETL = """\
name: etl
function_dirs: [../shared]
routes:
  /api/etl: {method: POST, function: enhancer}
functions:
  enhancer: {function: loader}
events:
  StartETL: {producer: default, function: normalise}
"""
_REPORTS = """\
name: reports
function_dirs: [../shared]
routes:
  /api/report: {method: GET, function: report}
queues:
  jobs: {function: normalise}
"""
_ALERTS = """\
name: alerts
events:
  Alarm: {producer: default, function: alert}
"""
FILES: Mapping[str, str] = {
    "etl/topology.yml": _ETL,
    "etl/enhancer/handler.py": _ENHANCER,
    "etl/enhancer/function.json": json.dumps(_WITH_WORDS),
    "etl/loader/handler.py": _LOADER,
    "etl/loader/function.json": json.dumps(_FUNCTION),
    "reports/topology.yml": _REPORTS,
    "reports/report/handler.py": "def handler(event, context):\n    return {'report': 1}\n",
    "reports/report/function.json": json.dumps(_FUNCTION),
    "alerts/topology.yml": _ALERTS,
    "alerts/alert/handler.py": "def handler(event, context):\n    return None\n",
    "alerts/alert/function.json": json.dumps(_FUNCTION),
    "shared/normalise/handler.py": "def handler(event, context):\n    return event\n",
    "shared/normalise/function.json": json.dumps(_FUNCTION),
    "shared/words/words.py": "def greeting(event):\n    return 'hello'\n",
    "shared/words/function.json": json.dumps(
        {"runtime": {"lang": "python3.12"}, "build": {"kind": "library"}}
    ),
    "README.txt": "three topologies\n",
}
#: what the history is about: a message, and the file it changes
_WORK = (
    ("feat(etl): enhance more", "etl/enhancer/notes.txt"),
    ("fix(reports): count once", "reports/report/notes.txt"),
    ("docs: say what it is for", "README.txt"),
    ("perf(alerts): look less often", "alerts/alert/notes.txt"),
    ("fix: normalise dates", "shared/normalise/notes.txt"),
    ("Tidy", "etl/loader/notes.txt"),
)


@dataclass(frozen=True)
class Monorepo:
    """A clone; `remote` is the bare repository it pushes to."""

    lab: Lab
    root: Path
    remote: Path
    name: str = "kay"

    def git(self, *arguments: str) -> str:
        ended = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.lab.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"git {' '.join(arguments)}\n{ended.stderr}"
        return ended.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str], *, push: bool = True) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", message)
        if push:
            self.git("push", "--quiet", "origin", "HEAD:main")

    def replace(self, message: str, file: str, old: str, new: str) -> None:
        """A commit that replaces the one place where `file` has `old`."""
        text = (self.root / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        self.commit(message, {file: text.replace(old, new)})

    def clone(self, name: str) -> Monorepo:
        """Another person's clone of the same remote."""
        root = self.root.with_name(name)
        self.git("clone", "--quiet", str(self.remote), str(root))
        other = Monorepo(self.lab, root, self.remote, name)
        other.identify()
        return other

    def identify(self) -> None:
        self.git("config", "user.name", self.name)
        self.git("config", "user.email", f"{self.name}@example.com")

    def tc(self, *arguments: str, code: int | None = 0, env: dict[str, str] | None = None) -> Said:
        return self.lab.tc(*arguments, cwd=self.root, code=code, env=env)


def make(lab: Lab, directory: Path, qa: str, prod: str) -> Monorepo:
    """A repository of fifty commits whose envs `qa` and `prod` are the engines at these URLs;
    both are AWS profiles."""
    remote, root = directory / "remote.git", directory / "kay"
    root.mkdir(parents=True)
    repo = Monorepo(lab, root, remote)
    repo.git("init", "--quiet", "--bare", "-b", "main", str(remote))
    repo.git("init", "--quiet", "-b", "main")
    repo.identify()
    repo.git("remote", "add", "origin", str(remote))
    for env, url in (("qa", qa), ("prod", prod)):
        lab.profile(env, endpoint_url=url)
    config = f"envs:\n  qa: {{profile: qa, account: '{ACCOUNT}'}}\n"
    config += f"  prod: {{profile: prod, account: '{ACCOUNT}'}}\nrelease: {{env: qa}}\n"
    first = {**FILES, "infrastructure/tc/config.yml": config}
    repo.commit("feat: begin", first, push=False)
    for number in range(1, COMMITS):
        message, file = _WORK[number % len(_WORK)]
        path = repo.root / file
        before = path.read_text() if path.exists() else ""
        repo.commit(message, {file: f"{before}{number}\n"}, push=False)
    repo.git("push", "--quiet", "origin", "HEAD:main")
    return repo
