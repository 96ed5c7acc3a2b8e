"""Pipelines run as their providers run them: the jobs that an event starts, in order, each in a
clone of its own with nothing of the one before; only `pip` does nothing, since tc is there.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from e2e_support import Lab

#: steps that are others' programs
ACTIONS = {"actions/checkout@v4", "actions/setup-python@v5", "actions/upload-artifact@v4"}
#: a key of YAML 1.1's that GitHub's own parser reads as a text
ON: Any = True


def token(claims: Mapping[str, str]) -> str:
    """What a provider says of a job, as far as the engine reads it: unsigned."""

    def part(data: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.{part('signature')}"


@dataclass
class Ran:
    """A job that ran: its exit code and what it said, and its directory."""

    name: str
    code: int
    text: str
    root: Path


class Api:
    """GitHub and GitLab on loopback: they give tokens of jobs and take comments."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, str]] = []
        self.closed: set[str] = set()
        self.token = ""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer("GET")

            def do_POST(self) -> None:
                self.answer("POST")

            def do_PATCH(self) -> None:
                self.answer("PATCH")

            def do_PUT(self) -> None:
                self.answer("PUT")

            def answer(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                secret = self.headers.get("authorization") or self.headers.get("private-token")
                api.asked.append((method, self.path, secret or ""))
                said = json.dumps(api.answer(method, self.path, json.loads(body or b"{}"))).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        path = path.partition("?")[0]
        if path == "/token":
            return {"value": self.token}
        if found := re.search(r"/pulls/(\d+)$", path):
            return {"state": "closed" if found[1] in self.closed else "open"}
        if method == "GET":
            return self.comments
        if method == "POST":
            self.comments.append({"id": len(self.comments) + 1, **body})
            return self.comments[-1]
        number = int(path.rpartition("/")[2])
        self.comments[number - 1]["body"] = body["body"]
        return self.comments[number - 1]


@dataclass
class World:
    """A repository with a bare remote, the accounts before it, and the provider's machines."""

    lab: Lab
    directory: Path
    remote: Path
    api: Api
    #: where packages are, since there is no index
    wheels: Path
    variables: dict[str, str] = field(
        default_factory=lambda: {"TC_PACKAGE": "tc-1", "AWS_REGION": "us-east-1"}
    )
    jobs: int = 0

    def run_job(
        self, name: str, branch: str, scripts: list[tuple[str, dict[str, str]]], given: Any
    ) -> Ran:
        """Each of `scripts` with its variables, until one fails, in a clone of `branch`."""
        self.jobs += 1
        place = self.directory / f"job{self.jobs}-{name}"
        home, root = place / "home", place / "repository"
        home.mkdir(parents=True)
        self.shell(f"git clone --quiet {self.remote} {root}", place, {})
        self.shell(f"git checkout --quiet --detach origin/{branch}", root, {})
        env = self.machine(home) | given
        said = []
        for script, more in scripts:
            code, text = self.shell(script, root, env | more, check=False)
            said.append(text)
            if code:
                return Ran(name, code, "".join(said), root)
        return Ran(name, 0, "".join(said), root)

    def machine(self, home: Path) -> dict[str, str]:
        """The variables of a machine that knows nothing: no keys, no profile, no sandbox."""
        programs = self.directory / "programs"
        if not programs.exists():
            programs.mkdir()
            (programs / "pip").write_text('#!/bin/sh\ntest "$1 $2 $3" = "install --quiet tc-1"\n')
            (programs / "pip").chmod(0o755)
            (programs / "tc").symlink_to(Path(sys.executable).with_name("tc"))
            (programs / "python3").symlink_to(sys.executable)
        kept = {k: v for k, v in self.lab.env.items() if not k.startswith(("GIT_", "CI"))}
        engine = f"http://127.0.0.1:{self.lab.port}"
        return {
            **kept,
            "HOME": str(home),
            "PATH": f"{programs}:{kept['PATH']}",
            "AWS_ENDPOINT_URL_STS": engine,
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_INDEX": "1",
            "UV_CACHE_DIR": str(self.directory / "uv"),
        }

    def breaks(self, command: str) -> None:
        """From now on `tc COMMAND` fails."""
        self.machine(self.directory)
        tc = self.directory / "programs" / "tc"
        there = tc.readlink()
        tc.unlink()
        tc.write_text(f'#!/bin/sh\ntest "$1" != {command} || exit 1\nexec {there} "$@"\n')
        tc.chmod(0o755)

    def pushes_to(self, url: str) -> dict[str, str]:
        """Variables by which what goes to `url` comes to the remote."""
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.remote}.insteadOf",
            "GIT_CONFIG_VALUE_0": url,
        }

    def shell(
        self, script: str, cwd: Path, env: Mapping[str, str], *, check: bool = True
    ) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=cwd,
            env={**self.lab.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, done.stdout


class GitHub:
    """``.github/workflows/tc.yml``"""

    file = ".github/workflows/tc.yml"
    remote = "git@github.com:acme/shop.git"
    issuer = "https://token.actions.githubusercontent.com"

    def __init__(self, world: World, text: str):
        self.world = world
        self.flow = yaml.safe_load(text)
        for name, job in self.flow["jobs"].items():
            needs = job.get("needs", [])
            assert {needs} <= set(self.flow["jobs"]) if isinstance(needs, str) else not needs, name
            used = {step["uses"] for step in job["steps"] if "uses" in step}
            assert used <= ACTIONS
            assert all(("run" in step) != ("uses" in step) for step in job["steps"])

    def change(self, number: int, *, action: str = "opened", owner: str = "acme") -> list[Ran]:
        event = {
            "number": number,
            "action": action,
            "pull_request": {"head": {"repo": {"full_name": f"{owner}/shop"}}},
        }
        assert action in self.flow[ON]["pull_request"]["types"]
        return self.run("pull_request", event, "feature" if action != "closed" else "main")

    def pushed(self) -> list[Ran]:
        assert self.flow[ON]["push"] == {"branches": ["main"]}
        return self.run("push", {}, "main", without=("promote",))

    def approved(self) -> list[Ran]:
        job = self.flow["jobs"]["promote"]
        assert job["environment"] == "prod"
        assert job["needs"] == "release"
        return [self.job("promote", job, {}, "main", "push", "repo:acme/shop:environment:prod")]

    def scheduled(self) -> list[Ran]:
        assert self.flow[ON]["schedule"]
        return self.run("schedule", {}, "main", without=("promote",))

    def run(
        self, name: str, event: dict[str, Any], branch: str, without: tuple[str, ...] = ()
    ) -> list[Ran]:
        subject = "pull_request" if name == "pull_request" else "ref:refs/heads/main"
        ran: dict[str, Ran] = {}
        for job_name, job in self.flow["jobs"].items():
            if job_name in without or not self.true(job.get("if", ""), name, event):
                continue
            if job.get("needs") and ran.get(job["needs"], Ran("", 1, "", Path())).code:
                continue
            ran[job_name] = self.job(
                job_name, job, event, branch, name, f"repo:acme/shop:{subject}"
            )
        return list(ran.values())

    def job(
        self, name: str, job: Any, event: dict[str, Any], branch: str, kind: str, subject: str
    ) -> Ran:
        world = self.world
        claims = {"iss": self.issuer, "aud": "sts.amazonaws.com", "sub": subject}
        world.api.token = token(claims)
        events = world.directory / "event.json"
        events.write_text(json.dumps(event))
        given = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_EVENT_PATH": str(events),
            "GITHUB_EVENT_NAME": kind,
            "GITHUB_BASE_REF": "main" if kind == "pull_request" else "",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_API_URL": world.api.url,
            "GITHUB_RUN_ID": "1",
            "GITHUB_ACTOR": "ana",
            "GITHUB_STEP_SUMMARY": str(world.directory / "summary.md"),
        }
        # a job gets a token only when it may
        if job.get("permissions", {}).get("id-token") == "write":
            given["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{world.api.url}/token?api-version=2"
            given["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "runner"
        given |= self.filled(self.flow.get("env", {}), event) | self.filled(
            job.get("env", {}), event
        )
        scripts = [
            (step["run"], self.filled(step.get("env", {}), event))
            for step in job["steps"]
            if "run" in step
        ]
        return world.run_job(name, branch, scripts, given)

    def filled(self, env: Mapping[str, str], event: dict[str, Any]) -> dict[str, str]:
        known = {f"vars.{name}": value for name, value in self.world.variables.items()}
        known |= {"github.token": "github-token", "github.event.number": str(event.get("number"))}

        def value(match: re.Match[str]) -> str:
            return known[match[1]]

        return {name: re.sub(r"\$\{\{ ([\w.]+) \}\}", value, text) for name, text in env.items()}

    def true(self, condition: str, name: str, event: dict[str, Any]) -> bool:
        """An `if` of the kind that stands in the pipeline."""
        data = {"github": {"event_name": name, "event": event, "repository": "acme/shop"}}

        def value(path: str) -> Any:
            found: Any = data
            for part in path.split("."):
                found = found.get(part) if isinstance(found, dict) else None
            return found

        def compared(one: str) -> bool:
            left, sign, right = re.fullmatch(r"(\S+) (==|!=) (\S+)", one.strip()).groups()  # type: ignore[union-attr]
            other = right.strip("'") if right.startswith("'") else value(right)
            return (value(left) == other) is (sign == "==")

        return not condition or all(compared(one) for one in condition.split("&&"))


class GitLab:
    """``.gitlab-ci.yml``"""

    file = ".gitlab-ci.yml"
    remote = "https://gitlab.com/acme/shop.git"
    issuer = "https://gitlab.com"

    def __init__(self, world: World, text: str):
        self.world = world
        self.flow = yaml.safe_load(text)
        words = {"stages", "variables", "workflow", "default"}
        self.jobs = {name: job for name, job in self.flow.items() if name not in words}
        for job in self.jobs.values():
            assert job["stage"] in self.flow["stages"]
            assert job["script"]
            assert set(job) <= {
                *("stage", "script", "rules", "artifacts", "environment", "resource_group")
            }

    def change(self, number: int, *, action: str = "opened", owner: str = "acme") -> list[Ran]:
        base = self.world.shell("git rev-parse main", self.world.remote, {})[1].strip()
        known = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": str(number),
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
            "CI_MERGE_REQUEST_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5" if owner == "acme" else "6",
        }
        if action == "closed":
            # GitLab starts the job that `on_stop` names, by hand or when the request is closed
            assert self.jobs["sandbox"]["environment"]["on_stop"] == "delete"
            assert self.jobs["delete"]["environment"]["action"] == "stop"
            assert self.rule(self.jobs["delete"], known)["when"] == "manual"
            return [self.job("delete", known, "feature")]
        return self.run(known, "feature")

    def pushed(self) -> list[Ran]:
        return self.run({"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}, "main")

    def approved(self) -> list[Ran]:
        known = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
        assert self.rule(self.jobs["promote"], known | {"CI_DEFAULT_BRANCH": "main"})["when"] == (
            "manual"
        )
        return [self.job("promote", known, "main")]

    def scheduled(self) -> list[Ran]:
        return self.run({"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"}, "main")

    def run(self, known: dict[str, str], branch: str) -> list[Ran]:
        known = known | {"CI_DEFAULT_BRANCH": "main"}
        assert any(self.true(rule["if"], known) for rule in self.flow["workflow"]["rules"])
        ran: list[Ran] = []
        for stage in self.flow["stages"]:
            if any(one.code for one in ran):
                return ran
            for name, job in self.jobs.items():
                rule = self.rule(job, known)
                if job["stage"] == stage and rule and rule.get("when") != "manual":
                    ran.append(self.job(name, known, branch))
        return ran

    def rule(self, job: Any, known: dict[str, str]) -> dict[str, Any]:
        return next((rule for rule in job["rules"] if self.true(rule["if"], known)), {})

    def true(self, condition: str, known: dict[str, str]) -> bool:
        def value(text: str) -> str | None:
            return text.strip('"') if text.startswith('"') else known.get(text.removeprefix("$"))

        def compared(one: str) -> bool:
            left, sign, right = re.fullmatch(r"(\S+) (==|!=) (\S+)", one.strip()).groups()  # type: ignore[union-attr]
            return (value(left) == value(right)) is (sign == "==")

        return all(compared(one) for one in condition.split("&&"))

    def job(self, name: str, known: dict[str, str], branch: str) -> Ran:
        job, world = self.jobs[name], self.world
        ref = "main" if branch == "main" else "feature"
        subject = f"project_path:acme/shop:ref_type:branch:ref:{ref}"
        audience = self.flow["default"]["id_tokens"]["TC_TOKEN"]["aud"]
        given = {
            **known,
            **self.flow["variables"],
            **world.variables,
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_DEFAULT_BRANCH": "main",
            "CI_API_V4_URL": world.api.url,
            "CI_PROJECT_ID": "5",
            "CI_PROJECT_URL": "https://gitlab.com/acme/shop",
            **world.pushes_to("https://tc:gitlab-token@gitlab.com/acme/shop.git"),
            "CI_JOB_ID": "9",
            "GITLAB_USER_LOGIN": "ana",
            "TC_GITLAB_TOKEN": "gitlab-token",
            "TC_TOKEN": token({"iss": self.issuer, "aud": audience, "sub": subject}),
        }
        # GitLab runs the lines of a job in one shell
        lines = "\n".join([*self.flow["default"]["before_script"], *job["script"]])
        return world.run_job(name, branch, [(lines, {})], given)


class CircleCi:
    """``.circleci/config.yml``"""

    file = ".circleci/config.yml"
    remote = "git@github.com:acme/shop.git"
    issuer = "https://oidc.circleci.com/org/ORGANIZATION_ID"

    def __init__(self, world: World, text: str):
        self.world = world
        self.flow = yaml.safe_load(text)
        for flow in self.flow["workflows"].values():
            names = {name for name, _ in self.named(flow)}
            assert names <= {*self.flow["jobs"], "approve"}
            assert all(set(job.get("requires", [])) <= names for _, job in self.named(flow))

    def named(self, flow: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for one in flow["jobs"]:
            yield (one, {}) if isinstance(one, str) else next(iter(one.items()))

    def change(self, number: int, *, action: str = "opened") -> list[Ran]:
        if action == "closed":
            # nobody is told; the next pipeline of main looks
            self.world.api.closed.add(str(number))
            return [self.job("delete", "main", "")]
        return self.run("feature", f"https://github.com/acme/shop/pull/{number}")

    def pushed(self) -> list[Ran]:
        return self.run("main", "")

    def approved(self) -> list[Ran]:
        jobs = dict(self.named(self.flow["workflows"]["main"]))
        assert jobs["approve"]["type"] == "approval"
        assert jobs["promote"]["requires"] == ["approve"]
        return [self.job("promote", "main", "")]

    def scheduled(self) -> list[Ran]:
        return self.run("main", "", sweep=True)

    def run(self, branch: str, pull: str, *, sweep: bool = False) -> list[Ran]:
        known = {"pipeline.parameters.sweep": sweep, "pipeline.git.branch": branch}
        flows = [one for one in self.flow["workflows"].values() if self.true(one["when"], known)]
        assert len(flows) == 1
        ran: list[Ran] = []
        done = {"": 0}
        for name, job in self.named(flows[0]):
            needs = job.get("requires", [])
            if name == "approve" or any(done.get(need) != 0 for need in needs):
                continue
            ran.append(self.job(name, branch, pull))
            done[name] = ran[-1].code
        return ran

    def true(self, condition: Any, known: Mapping[str, Any]) -> bool:
        if isinstance(condition, str):
            return bool(known[condition.strip("<> ")])
        ((word, inner),) = condition.items()
        if word == "and":
            return all(self.true(one, known) for one in inner)
        if word == "not":
            return not self.true(inner, known)
        assert word == "equal"
        left, right = (known.get(one.strip("<> "), one) for one in inner)
        return bool(left == right)

    def job(self, name: str, branch: str, pull: str) -> Ran:
        subject = "org/ORGANIZATION_ID/project/PROJECT_ID/user/u1/vcs-origin/github.com/acme/shop"
        subject += f"/vcs-ref/refs/heads/{branch}"
        claims = {"iss": self.issuer, "aud": "ORGANIZATION_ID", "sub": subject}
        given = {
            **self.world.variables,
            "CI": "true",
            "CIRCLECI": "true",
            "CIRCLE_PROJECT_USERNAME": "acme",
            "CIRCLE_PROJECT_REPONAME": "shop",
            "CIRCLE_USERNAME": "ana",
            "CIRCLE_WORKFLOW_ID": "w1",
            "CIRCLE_OIDC_TOKEN_V2": token(claims),
            "GITHUB_API_URL": self.world.api.url,
            "GITHUB_TOKEN": "circle-token",
            **self.world.pushes_to("https://x-access-token:circle-token@github.com/acme/shop.git"),
            **({"CIRCLE_PULL_REQUEST": pull} if pull else {}),
        }
        scripts = list(self.scripts(self.flow["jobs"][name]["steps"], {}))
        return self.world.run_job(name, branch, [(script, {}) for script in scripts], given)

    def scripts(self, steps: list[Any], arguments: Mapping[str, str]) -> Iterator[str]:
        """The commands of steps, with those of the file's own commands in their places."""
        for step in steps:
            if step == "checkout" or (isinstance(step, dict) and "store_test_results" in step):
                continue
            word, inner = (step, {}) if isinstance(step, str) else next(iter(step.items()))
            if word == "run":
                command = inner if isinstance(inner, str) else inner["command"]
                yield re.sub(r"<< parameters\.(\w+) >>", lambda found: arguments[found[1]], command)
                continue
            own = self.flow["commands"][word]
            assert set(own.get("parameters", {})) == set(inner)
            yield from self.scripts(own["steps"], inner)


PROVIDERS = {"github": GitHub, "gitlab": GitLab, "circleci": CircleCi}
