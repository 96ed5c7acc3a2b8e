"""tc as its users have it: a program, run in a project's directory, before an engine.

``-e local`` reaches the engine directly, ``-e aws`` is an AWS profile whose
`endpoint_url` is a proxy that counts what passes and can refuse it.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from e2e_proxy import Proxy

from tc.places import cache_place

TC = str(Path(sys.executable).with_name("tc"))
TOPOLOGIES = Path(__file__).with_name("topologies")
ACCOUNT = "000000000000"
#: variables of the user's that would change what is tested
_DROPPED = ("AWS_", "TC_", "XDG_", "PYTHON", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def events(self) -> list[dict[str, Any]]:
        """The objects of ``--json``; fails when anything else is on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [found for found in self.events if found["event"] == event]


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Lab:
    """An engine of this test run's own, and a user with a home of his own."""

    home: Path
    port: int = 0
    proxy: Proxy = field(init=False)

    @property
    def env(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)}
        own = {
            "HOME": str(self.home),
            "TC_HOME": str(self.home / "tc"),
        }
        # nobody's instance role, and the engine's environment made once for all tests
        return {
            **kept,
            **own,
            "TC_CACHE_DIR": str(cache_place()),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        (self.home / ".aws").mkdir(parents=True)
        said = self.tc("local", "start", "--json", cwd=self.home)
        self.port = int(said.events[-1]["url"].rpartition(":")[2])
        self.proxy = Proxy(self.port)
        self.profile("aws", endpoint_url=self.proxy.url)

    def stop(self) -> None:
        self.proxy.close()
        self.tc("local", "stop", cwd=self.home)

    def profile(self, name: str, region: str = "us-east-1", **settings: str) -> None:
        """A profile with static keys, in ~/.aws/config."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        given = {"region": region, **({} if "credential_process" in settings else keys), **settings}
        lines = [f"{key} = {value}" for key, value in given.items() if value]
        with (self.home / ".aws" / "config").open("a") as config:
            config.write("\n".join([f"[profile {name}]", *lines, ""]))

    def tc(
        self,
        *arguments: str,
        cwd: Path,
        code: int | None = 0,
        stdin: str = "",
        env: dict[str, str] | None = None,
    ) -> Said:
        """Runs tc to its end; fails when it ends with another code than `code`."""
        ended = subprocess.run(
            [TC, *arguments],
            cwd=cwd,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        said = Said(ended.returncode, ended.stdout, ended.stderr)
        assert "Traceback" not in said.err, said.err
        assert "tc has a bug" not in said.text, said.text
        if code is not None:
            assert said.code == code, f"tc {' '.join(arguments)}\n{said.text}"
        return said

    def client(self, service: str, key: str = "test") -> Any:
        """A client of the engine; a `key` of twelve digits is an account of that number."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key="test",
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
        )

    def http(
        self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=40)
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        sent = {"content-type": "application/json", **(headers or {})}
        connection.request(method, path, data, sent)
        got = connection.getresponse()
        told = {k.lower(): v for k, v in got.getheaders()}
        return Answer(got.status, got.read().decode(), told)

    def inventory(self) -> Counter[str]:
        """Everything that tc can make, as the engine itself lists it."""
        found = [f["FunctionArn"] for f in self._all("lambda", "list_functions", "Functions")]
        found += [r["Arn"] for r in self._all("iam", "list_roles", "Roles")]
        found += [g["arn"] for g in self._all("logs", "describe_log_groups", "logGroups")]
        machines = self._all("stepfunctions", "list_state_machines", "stateMachines")
        found += [m["stateMachineArn"] for m in machines]
        found += [r["Arn"] for r in self.client("events").list_rules()["Rules"]]
        found += [f"http:{a['ApiId']}" for a in self.client("apigatewayv2").get_apis()["Items"]]
        found += [f"rest:{a['id']}" for a in self.client("apigateway").get_rest_apis()["items"]]
        pools = self.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
        found += [f"pool:{pool['Id']}" for pool in pools]
        edge = self.client("cloudfront")
        lists = [
            edge.list_distributions()["DistributionList"],
            edge.list_origin_access_controls()["OriginAccessControlList"],
            edge.list_functions()["FunctionList"],
        ]
        found += [
            f"edge:{one.get('Id') or one['Name']}"
            for page in lists
            for one in page.get("Items", [])
        ]
        for item in self._all(
            "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList"
        ):
            found.append(f"tagged:{item['ResourceARN']}")
        return Counter(found)

    def _all(self, service: str, operation: str, key: str) -> list[dict[str, Any]]:
        pages = self.client(service).get_paginator(operation).paginate()
        return [item for page in pages for item in page[key]]

    def logged(self, function: str) -> list[str]:
        """What the function itself printed, without Lambda's own lines."""
        group = f"/aws/lambda/{function}"
        lines = self.client("logs").filter_log_events(logGroupName=group)["events"]
        texts = [line["message"].rstrip("\n") for line in lines]
        return [text for text in texts if not text.startswith(("START ", "END ", "REPORT "))]

    def wait_logged(self, function: str, count: int = 1, within: float = 10) -> list[str]:
        """The same, when there are at least `count` lines; fails after `within` seconds."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            lines = self.logged(function)
            if len(lines) >= count:
                return lines
            time.sleep(0.05)
        raise AssertionError(f"{function} logged only {self.logged(function)}")


def engine(home: Path) -> Iterator[Lab]:
    """A lab with an engine of its own, for a fixture."""
    made = Lab(home)
    made.start()
    yield made
    made.stop()


@dataclass(frozen=True)
class Project:
    """A topology in a directory, and what a user types there."""

    lab: Lab
    root: Path
    sandbox: str = "bob"
    env: str = "local"

    def tc(self, command: str, *arguments: str, **more: Any) -> Said:
        return self.lab.tc(
            command, "-s", self.sandbox, "-e", self.env, *arguments, cwd=self.root, **more
        )

    def in_sandbox(self, sandbox: str) -> Project:
        return Project(self.lab, self.root, sandbox, self.env)

    def create(self, *arguments: str) -> dict[str, str]:
        """Creates the sandbox; the addresses of its routes, by method and path."""
        said = self.tc("create", "--json", *arguments)
        return {
            f"{route['method']} {route['route'].rpartition(' ')[2]}": route["url"]
            for route in said.named("address")
        }

    def plan(self, *arguments: str) -> list[str]:
        """What `diff` says, in short: ``~ function shelf memory_mb environment.LEVEL``."""
        signs = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
        said = self.tc("diff", "--json", *arguments)
        return sorted(
            " ".join(
                [
                    signs[step["action"]],
                    step["kind"],
                    step["title"],
                    *(change["path"] for change in step["changes"]),
                ]
            )
            for step in said.named("plan.step")
        )

    def same(self) -> None:
        """Nothing differs, and both ways of asking say so."""
        said = self.tc("diff", "--exit-code")
        assert said.out == "No differences.\n", said.text

    def delete(self) -> None:
        self.tc("delete", "-y")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces the one place where `file` has `old`."""
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new))

    def write(self, files: dict[str, str]) -> Project:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self


def copied(lab: Lab, name: str, directory: Path, **more: str) -> Project:
    """A topology of this directory's `topologies`, in a project of its own."""
    root = directory / name
    shutil.copytree(TOPOLOGIES / name, root)
    (root / ".git").mkdir()
    return Project(lab, root, **more)


@contextmanager
def deployed(project: Project) -> Iterator[dict[str, str]]:
    """The sandbox while it is there, with its addresses. At the end nothing of what is
    deployed may differ from the files, and nothing of it may be left by `tc delete`."""
    before = project.lab.inventory()
    try:
        yield project.create()
        project.same()
    except BaseException:
        project.tc("delete", "-y", code=None)
        raise
    project.delete()
    left = project.lab.inventory() - before
    assert not left, f"left behind: {sorted(left)}"
    assert not before - project.lab.inventory(), "something else was deleted"


def wheel(place: Path, name: str, version: str, size: int = 0) -> None:
    """A wheel with one module, and `size` bytes that can't be made smaller."""
    place.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    noise = random.Random(f"{name}{version}").randbytes(size // 2).hex()
    files = {
        f"{name}/__init__.py": f"version = {version!r}\n",
        f"{name}/data.txt": noise,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(place / f"{name}-{version}-py3-none-any.whl", "w") as out:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            out.writestr(file, text)
