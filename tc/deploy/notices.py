"""What a webhook is told of a change, and the one request that tells it."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from tc.deploy.web import is_loopback, opener
from tc.errors import TcError
from tc.plan.resource import Plan
from tc.records import dataclass
from tc.spec.fetched import Secret, revealed

Result = Literal["done", "failed", "interrupted"]

#: seconds for everything: a webhook never holds a deploy up for longer
DEADLINE_S = 5.0
#: seconds before the one more try after an answer that says "later"
_PAUSE_S = 0.5
#: lines and characters of a changelog that are told (Slack cuts messages of over 4,000)
_LINES, _CHARACTERS = 20, 2000
_LATER = frozenset({429, 500, 502, 503, 504})
_PAST = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "deploy": "deployed",
    "release": "released",
    "promote": "promoted",
    "rollback": "rolled back",
}
_ENDS: Mapping[Result, str] = {"failed": "failed", "interrupted": "interrupted"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change that has ended. It has no value of the topology's: no variable, no payload.

    `before` and `after` are versions, empty where nobody knows one; `changed` counts things by
    what was done (``{"create": 2}``); `failed` names things with AWS's code for why; `seconds`
    is how long it took; `link` leads to the CI job.
    """

    command: str
    result: Result
    topology: str
    sandbox: str
    env: str
    account: str
    region: str
    who: str
    seconds: float
    before: str = ""
    after: str = ""
    changed: Mapping[str, int] = field(default_factory=dict)
    failed: Sequence[str] = ()
    error: str = ""
    changelog: str = ""
    link: str = ""


def body(change: Change, form: str) -> bytes:
    """The request's body: ``json``, or ``slack`` (an object with `text`, which Mattermost,
    Rocket.Chat and others take too)."""
    if form == "json":
        told = {key: value for key, value in asdict(change).items() if value or key == "seconds"}
        return json.dumps(told).encode()
    return json.dumps({"text": slack_text(change)}).encode()


def slack_text(change: Change) -> str:
    """Slack's mrkdwn: what and where, who and how much, what went wrong, what is new."""
    done = _PAST.get(change.command, change.command)
    end = done if change.result == "done" else f"{change.command} {_ENDS[change.result]}"
    versions = " → ".join(_mrkdwn(v) for v in dict.fromkeys((change.before, change.after)) if v)
    where = _mrkdwn(f"{change.topology}@{change.sandbox}.{change.env}")
    said = [f"*{where}* {versions}".rstrip() + f": {end} ({change.seconds:.1f} s)"]
    counts = ", ".join(f"{n} {_PAST[name]}" for name, n in change.changed.items() if name in _PAST)
    parts = [f"by {_mrkdwn(change.who)}", counts, f"<{change.link}|job>" if change.link else ""]
    said.append(" · ".join(part for part in parts if part))
    said += [f"✗ {_mrkdwn(one)}" for one in change.failed]
    if change.error:
        said.append(f"✗ {_mrkdwn(change.error)}")
    if change.changelog:
        said.append(_mrkdwn(shortened(change.changelog)))
    return "\n".join(said)


def shortened(changelog: str) -> str:
    """As much of `changelog` as a message holds, cut at a line."""
    lines = changelog.strip().splitlines()
    kept: list[str] = []
    for line in lines[:_LINES]:
        if sum(map(len, kept)) + len(line) > _CHARACTERS:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    return "\n".join([*kept, f"… and {left} more"] if left else kept)


def _mrkdwn(text: str) -> str:
    """`text` as it is: of Slack's, only these three have a meaning anywhere in a text
    (Slack API, "Formatting text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def counted(plan: Plan) -> dict[str, int]:
    """How many things each action of `plan` is about."""
    names = [step.action.name.lower() for step in plan.work]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def send(url: Secret | str, said: bytes, bundle: Path | None = None) -> None:
    """Posts `said` to `url`, which is a secret: it stands in no error.

    Tried once more when the answer is 429 or says that the server has trouble. Raises TcError
    ``notice`` when it isn't taken within `DEADLINE_S`. `bundle` is a file of CA certificates.
    """
    end = time.monotonic() + DEADLINE_S
    address = _address(str(revealed(url)).strip())
    door = _opener(address, bundle)
    status = _post(door, address, said, end)
    if status in _LATER and time.monotonic() + _PAUSE_S < end:
        time.sleep(_PAUSE_S)
        status = _post(door, address, said, end)
    if 300 <= status < 400:
        raise _failed(f"{address.hostname} answers with a redirect ({status})", "write its target")
    if status >= 400:
        gone = "its address may be old" if status in (401, 403, 404, 410) else ""
        raise _failed(f"{address.hostname} answers {status}", gone)


def _address(url: str) -> SplitResult:
    """The parts of `url`; only a server on this machine may be asked without TLS."""
    try:
        parts = urlsplit(url)
        fine = url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        fine = False
    if not fine or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _failed("its address is none of a web server", "write https://…")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise _failed("its address begins with http:, and would be readable on its way", "https:")
    return parts


def _opener(address: SplitResult, bundle: Path | None) -> urllib.request.OpenerDirector:
    """Through the user's proxy, but for this machine; with the user's CA certificates."""
    if address.scheme == "http":
        return opener(address.hostname or "")
    try:
        context = ssl.create_default_context(cafile=str(bundle) if bundle else None)
    except (OSError, ssl.SSLError):
        raise _failed(f"{bundle} holds no CA certificates", "look at SSL_CERT_FILE") from None
    return opener(address.hostname or "", urllib.request.HTTPSHandler(context=context))


def _post(
    door: urllib.request.OpenerDirector, address: SplitResult, said: bytes, end: float
) -> int:
    """The status of the answer."""
    headers = {"Content-Type": "application/json", "User-Agent": "tc"}
    request = urllib.request.Request(  # noqa: S310
        address.geturl(), data=said, method="POST", headers=headers
    )
    left = max(0.1, end - time.monotonic())
    try:
        with door.open(request, timeout=left) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except (OSError, ValueError, http.client.HTTPException) as error:
        # what the library says may have the address in it
        why = getattr(error, "reason", error)
        if isinstance(why, TimeoutError):
            raise _failed(f"{address.hostname} doesn't answer within {DEADLINE_S:g} s") from None
        if isinstance(why, ssl.SSLCertVerificationError):
            said_by = f"the certificate of {address.hostname} isn't trusted: {why.verify_message}"
            raise _failed(said_by, "set SSL_CERT_FILE to your CA certificates") from None
        known = why.strerror if isinstance(why, OSError) else None
        raise _failed(
            f"{address.hostname} can't be reached: {known or type(why).__name__}"
        ) from None


def _failed(message: str, hint: str = "") -> TcError:
    return TcError(message, code="notice", hint=hint)
