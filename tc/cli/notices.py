"""Who is told when a sandbox has changed: `notify` of config.yml.

A command says what it does within ``with telling(run, target, "deploy") as story``, and hands
the story what became of its plan; whatever ends the body, those who are named are told.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tc.errors import TcError
from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.run import Run, Target
    from tc.config import Config
    from tc.config.sections import Notice
    from tc.deploy.notices import Change, Result
    from tc.deploy.pipeline import Prepared
    from tc.deploy.walk import Outcome
    from tc.spec.fetched import Secret

#: commands that bring a version somewhere: that one failed is news even when nothing was changed
_RELEASING = frozenset({"deploy", "release", "promote", "rollback"})
#: exit codes that aren't failures
_ENDS: Mapping[int, Result] = {0: "done", 130: "interrupted"}
#: the address of a CI job: GitLab's, CircleCI's
_JOBS = ("CI_JOB_URL", "CIRCLE_BUILD_URL")
#: files of CA certificates besides Python's own SSL_CERT_FILE, first wins
_BUNDLES = ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(slots=True)
class Story:
    """What is told at the end. A command may set the versions and the changelog.

    `before` and `after` are versions (0.1.3): without them that of the live functions, and the
    scope's; `changelog` is text, of which as much is told as a message holds: without it what
    the version's tag says.
    """

    before: str = ""
    after: str = ""
    changelog: str = ""
    prepared: Prepared | None = None
    outcome: Outcome | None = None

    def ended(self, prepared: Prepared, outcome: Outcome) -> None:
        """What became of a plan. Where nobody says, nothing is told of what went well; and
        nothing of a plan without work."""
        self.prepared, self.outcome = prepared, outcome


@contextmanager
def telling(run: Run, target: Target, command: str, *, dry_run: bool = False) -> Iterator[Story]:
    """Tells those whom config.yml names of what the body did, also when it fails or is
    interrupted; not what was refused as wrong usage, nothing of a dry run, and of a command
    that only changes a sandbox (`create`) nothing while it has changed nothing.

    `command` is the one that was given. A notice that can't be sent is a warning.
    """
    story = Story()
    result: Result = "done"
    error = ""
    worth = True
    try:
        yield story
    except typer.Exit as end:
        result = _ENDS.get(end.exit_code, "failed")
        raise
    except KeyboardInterrupt:
        result = "interrupted"
        raise
    except TcError as wrong:
        result, error, worth = "failed", wrong.code, wrong.exit_code != 2
        raise
    except Exception:
        result, error = "failed", "bug"
        raise
    finally:
        worth = worth and bool(command in _RELEASING or target.aws.written)
        if worth and not dry_run and _is_news(story, result):
            _tell(run, target, _change(run, target, command, story, result, error))


def _is_news(story: Story, result: Result) -> bool:
    if story.prepared is None:
        return result != "done"
    return bool(story.prepared.plan.work)


def _change(
    run: Run, target: Target, command: str, story: Story, result: Result, error: str
) -> Change:
    from tc.deploy.notices import Change, counted

    scope = target.scope
    outcome, prepared = story.outcome, story.prepared
    failed = [
        f"{step.kind} {step.title} [{getattr(why, 'aws_code', '') or why.code}]"
        for step, why in (outcome.failed if outcome else ())
    ]
    whole = bool(outcome and outcome.ok)
    before = story.before or (_live_version(prepared) if prepared else "")
    after = "" if command == "delete" else story.after or scope.version
    changelog = story.changelog
    forward = command in _RELEASING and command != "rollback" and before != after
    if result == "done" and forward and not changelog:
        changelog = _changelog(scope.namespace, after)
    return Change(
        command=command,
        result=result,
        topology=scope.namespace,
        sandbox=scope.sandbox,
        env=target.environment.name,
        account=scope.account,
        region=scope.region,
        who=scope.updated_by,
        seconds=run.seconds(),
        before=before,
        after=after,
        changed=counted(prepared.plan) if prepared and whole else {},
        failed=failed,
        error=error,
        changelog=changelog if result == "done" else "",
        link=_job(os.environ),
    )


def _live_version(prepared: Prepared) -> str:
    """The version that the functions had, where it is the same of all."""
    told = {
        actual.info["version"]
        for actual in prepared.found.values()
        if actual.kind == "function" and actual.info.get("version")
    }
    return told.pop() if len(told) == 1 else ""


def _changelog(namespace: str, version: str) -> str:
    """What the annotated tag of a version says, where the repository here has it."""
    from tc.release.git import Repo
    from tc.release.versions import find_version

    try:
        repo = Repo.find(Path.cwd())
        tag = find_version(repo, namespace, version).tag
        said = repo.git(
            "for-each-ref", "--format=%(objecttype)%00%(contents:body)", f"refs/tags/{tag}"
        )
    except TcError:
        return ""
    kind, _, body = os.fsdecode(said).partition("\0")
    return body.strip() if kind == "tag" else ""


def _job(environment: Mapping[str, str]) -> str:
    """The address of the CI job that this is, where it is one."""
    server, run = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_RUN_ID")
    if server and run:
        return f"{server}/{environment.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    return next((environment[name] for name in _JOBS if environment.get(name)), "")


def wanted(config: Config, env: str, sandbox: str) -> dict[str, Notice]:
    """Those of `notify` that are told of a sandbox in an env: of every env but `local`, and of
    the sandboxes that are stable, unless they name others."""
    return {
        name: notice
        for name, notice in config.notify.items()
        if (env in notice.envs if notice.envs else env != "local")
        and sandbox in (notice.sandboxes or config.stable)
    }


def _tell(run: Run, target: Target, change: Change) -> None:
    """Sends every notice, all at once; what can't be sent is warned of."""
    from tc.config import read_config
    from tc.deploy.notices import DEADLINE_S

    notices = wanted(read_config(Path.cwd()), change.env, change.sandbox)
    if not notices:
        return
    errors: dict[str, TcError] = {}
    addresses = _addresses(target, notices, errors)
    ended: dict[str, TcError | None] = {}
    threads = [
        threading.Thread(target=_send, args=(name, url, change, notices[name].format, ended))
        for name, url in addresses.items()
    ]
    for thread in threads:
        thread.daemon = True
        thread.start()
    end = time.monotonic() + DEADLINE_S + 0.5
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    for name in notices:
        late = TcError(f"no answer within {DEADLINE_S:g} s", code="notice")
        error = errors.get(name) or ended.get(name, late)
        if error is None:
            run.emit(Event("notified", f"Told `{name}` of it", {"notify": name}))
        else:
            text = f"`{name}` wasn't told: {error.message}"
            told = {"code": "notice", "message": text, "hint": error.hint, "notify": name}
            run.emit(Event("warning", text, told))


def _send(
    name: str, url: Secret | str, change: Change, form: str, ended: dict[str, TcError | None]
) -> None:
    from tc.deploy.notices import body, send

    try:
        send(url, body(change, form), _bundle(os.environ))
    except TcError as error:
        ended[name] = error
    else:
        ended[name] = None


def _bundle(environment: Mapping[str, str]) -> Path | None:
    """The user's CA certificates; None for the system's."""
    found = (Path(environment[name]) for name in _BUNDLES if environment.get(name))
    return next((path for path in found if path.is_file()), None)


def _addresses(
    target: Target, notices: Mapping[str, Notice], errors: dict[str, TcError]
) -> dict[str, Secret | str]:
    """Where each is sent to; those that stand elsewhere are fetched with the env's credentials."""
    from tc.deploy.values import secrets
    from tc.spec.fetched import is_reference

    found: dict[str, Secret | str] = {}
    for name, notice in notices.items():
        if not is_reference(notice.url):
            found[name] = notice.url
            continue
        try:
            found[name] = secrets(target.aws, {notice.url: [f"notify.{name}"]})[notice.url]
        except TcError as error:
            errors[name] = error
    return found
