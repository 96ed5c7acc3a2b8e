"""The only door to AWS: credentials, clients, calls, pages, parallel calls.

botocore is imported when an `Aws` is opened. Every failure leaves here as a
`tc.errors.TcError`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from tc.aws.clients import Call, Clients
from tc.aws.operations import THROTTLED, only_once, writes
from tc.aws.wait import Waiting, not_yet, retrying, until
from tc.config import Environment
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.records import dataclass

T = TypeVar("T")
R = TypeVar("R")

#: calls in flight at once; Lambda's control plane takes 15 a second
WORKERS = 16
LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"

#: seconds to wait for a thing to be ready, and for AWS to learn of another
_WAIT_DEADLINE = 300.0
_INSIST_DEADLINE = 120.0

#: pauses before a call that AWS throttled is made again, in seconds
_THROTTLE_PAUSES = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials are."""

    account: str
    arn: str
    partition: str = "aws"


def open_session(environment: Environment, region: str | None, emit: Emit) -> Aws:
    """The environment's door to AWS; nothing is called yet.

    `region` is the user's ``--region``. Raises UsageError when there is no
    region or no such profile.
    """
    from tc.aws import faults, roles, sdk

    origin = faults.Origin(environment)
    try:
        session = sdk.new_session(environment)
        resolved = _region(session, environment, region)
        if resolved is None:
            raise faults.no_region(environment)
        if not environment.local:
            roles.prepare(session, environment)
        if environment.role:
            roles.assume(session, environment, resolved)
        return Aws(session, environment, resolved, emit)
    except faults.RAISED as error:
        raise faults.translate(error, origin) from error


def _region(session: Any, environment: Environment, asked: str | None) -> str | None:
    """``--region``, the env's own, then as botocore has it; AWS_REGION as other SDKs do."""
    if environment.local:
        return asked or environment.region or LOCAL_REGION
    found = (
        asked
        or environment.region
        or os.environ.get("AWS_REGION")
        or session.get_config_variable("region")
    )
    return str(found) if found else None


class Aws:
    """One botocore session with its clients, used from many threads.

    `region` is known from the start; `account` and `partition` cost one call the
    first time.
    """

    def __init__(self, session: Any, environment: Environment, region: str, emit: Emit):
        from tc.aws import faults
        from tc.aws.lifetime import Lifetime

        self._faults = faults
        self._session = session
        self._environment = environment
        self._emit = emit
        self._origin = faults.Origin(environment, region, login=self._logs_in())
        self._lifetime = Lifetime(session, self._origin, emit)
        self._clients = Clients(session, environment, region, WORKERS)
        self._identity: Identity | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._in_pool = threading.local()
        self._lock = threading.Lock()
        self.region = region
        self.local = environment.local

    def __enter__(self) -> Aws:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def account(self) -> str:
        return self.identify().account

    @property
    def partition(self) -> str:
        return self.identify().partition

    @property
    def pace(self) -> float:
        """The first pause between two looks at something, in seconds."""
        return 0.05 if self.local else 0.5

    @property
    def ends(self) -> datetime | None:
        """When the credentials end for good; None when nothing is known of an end."""
        with self._translated("sts.get_caller_identity"):
            return self._lifetime.ends()

    @property
    def calls(self) -> Counter[Call]:
        """What was called how often, each page of a listing as one call."""
        return self._clients.calls

    @property
    def written(self) -> int:
        """How many calls were made that can change something."""
        return self._clients.written()

    def variables(self) -> dict[str, str]:
        """The credentials and the region as the variables that other programs read: secrets.

        Empty on a machine without credentials.
        """
        with self._translated("sts.get_caller_identity"):
            found = self._session.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
        if frozen is None:
            return {}
        made = {
            "AWS_ACCESS_KEY_ID": frozen.access_key,
            "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
            "AWS_SESSION_TOKEN": frozen.token,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        return {name: value for name, value in made.items() if value}

    def sign(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """`headers`, and those that sign a request to an API of API Gateway (SigV4)."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import NoCredentialsError

        with self._translated("execute-api.invoke"):
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            request = AWSRequest(method, url, headers=dict(headers), data=body)
            keys = found.get_frozen_credentials()
            SigV4Auth(keys, "execute-api", self.region).add_auth(request)
        return dict(request.headers.items())

    def identify(self) -> Identity:
        """Who we are; asked once. Raises TcError ``account`` when it is not the env's account.

        The first writing call does this by itself, so nothing is ever changed in
        a wrong account.
        """
        if self._identity is None:
            with self._lock:
                if self._identity is None:
                    found = self._ask_identity()
                    self.check()
                    self._identity = found
        return self._identity

    def check(self) -> None:
        """Renew the credentials if they can be, and warn once when they end within 15 minutes.

        For before a long piece of work and after one; calls that write do it each minute.
        Where nothing is known of an end, AWS is asked again after 5 minutes. Raises TcError
        ``credentials`` when they have expired.
        """
        if self.local:
            return
        with self._translated("sts.get_caller_identity"):
            unsure = self._lifetime.look()
        if unsure:
            self._ask_identity()

    def call(self, service: str, operation: str, /, **kwargs: Any) -> dict[str, Any]:
        """Call ``service.operation`` (snake_case) and return its answer.

        ``service@region`` calls it in another region than the session's.

        A streamed body comes back as bytes. Raises AwsError when AWS refuses,
        TcError ``credentials`` when it is about the credentials.
        """
        if writes(operation):
            self.identify()
            if self._lifetime.is_due:
                self.check()
        if not only_once(service, operation):
            return self._call(service, operation, kwargs)
        for pause in _THROTTLE_PAUSES:
            try:
                return self._call(service, operation, kwargs)
            except AwsError as error:
                if error.aws_code not in THROTTLED and error.status != 429:
                    raise
            self._told_to_slow_down(f"{service}.{operation}", pause)
            time.sleep(pause)
        return self._call(service, operation, kwargs)

    def pages(self, service: str, operation: str, key: str, /, **kwargs: Any) -> Iterator[Any]:
        """The items under `key` in all pages of a listing, each page fetched when it is needed.

        ``PaginationConfig={"PageSize": n}`` sets the size of a page.
        """
        with self._translated(f"{service}.{operation}"):
            paginator = self._clients.get(service, operation).get_paginator(operation)
            pages = iter(paginator.paginate(**kwargs))
        while True:
            with self._translated(f"{service}.{operation}"):
                page = next(pages, None)
            if page is None:
                return
            yield from page.get(key) or ()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`function` of every item, many at once, in the items' order.

        The first error (in the items' order) is raised after all have ended;
        when interrupted, nothing new is started.
        """
        todo = list(items)
        if len(todo) < 2 or getattr(self._in_pool, "yes", False):
            return [function(item) for item in todo]
        pool = self._workers()
        futures = [pool.submit(function, item) for item in todo]
        try:
            errors = [future.exception() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        for error in errors:
            if error is not None:
                raise error
        return [future.result() for future in futures]

    @property
    def endpoint(self) -> str | None:
        """Where the local engine answers, or what the env says instead of AWS."""
        return self._environment.endpoint_url

    def wait(
        self,
        what: str,
        probe: Callable[[], str],
        /,
        *,
        first: float | None = None,
        deadline: float | None = None,
    ) -> None:
        """Call `probe` until it says nothing; what it says is the state waited on.

        `first` is the pause before the first look, `deadline` when to give up (300), in
        seconds. Raises TcError ``timeout`` with the last state seen.
        """
        if first:
            time.sleep(first)

        def look() -> bool | Waiting:
            state = probe()
            return Waiting(state) if state else True

        until(what, look, deadline=deadline or _WAIT_DEADLINE, emit=self._emit, every=self.pace)

    def insist(self, what: str, call: Callable[[], R], /) -> R:
        """Repeat `call` while AWS says "not yet": a role that can't be assumed yet,
        a change that is still in progress."""
        return retrying(
            call,
            when=not_yet,
            what=what,
            deadline=_INSIST_DEADLINE,
            emit=self._emit,
            every=self.pace,
        )

    def close(self) -> None:
        """Wait for the calls in flight and drop the connections."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._clients.close()

    def _call(self, service: str, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        with self._translated(f"{service}.{operation}"):
            answer: dict[str, Any] = getattr(self._clients.get(service, operation), operation)(
                **kwargs
            )
            answer.pop("ResponseMetadata", None)
            return {key: _whole(value) for key, value in answer.items()}

    @contextmanager
    def _translated(self, operation: str) -> Iterator[None]:
        try:
            yield
        except self._faults.RAISED as error:
            raise self._faults.translate(error, self._origin, operation) from error

    def _told_to_slow_down(self, operation: str, pause: float) -> None:
        text = f"AWS asks to slow down: {operation} again in {pause:g} s"
        self._emit(Event("throttled", text, {"operation": operation, "seconds": pause}))

    def _ask_identity(self) -> Identity:
        if self.local:
            return Identity(LOCAL_ACCOUNT, f"arn:aws:iam::{LOCAL_ACCOUNT}:root")
        answer = self._call("sts", "get_caller_identity", {})
        self._lifetime.taken()
        account, arn = str(answer["Account"]), str(answer["Arn"])
        wanted = self._environment.account
        if wanted and account != wanted:
            raise TcError(
                f"the credentials of {self._origin.whose} belong to account {account}, "
                f"env `{self._environment.name}` is account {wanted}",
                code="account",
                where=f"env {self._environment.name}",
                hint=f"use credentials of account {wanted}, or correct `account` in config.yml",
            )
        return Identity(account, arn, partition=arn.split(":")[1])

    def _logs_in(self) -> bool:
        """Whether it is `tc login` that gets new credentials."""
        from tc.aws.profiles import sso_profile, takes_code

        if self._environment.local:
            return False
        profile = self._environment.profile or self._session.profile or "default"
        config = self._session.full_config
        return sso_profile(config, profile) is not None or takes_code(config, profile)

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(
                    WORKERS, thread_name_prefix="aws", initializer=self._mark_thread
                )
            return self._pool

    def _mark_thread(self) -> None:
        """A `map` inside a `map` runs in its own thread: waiting for the pool would hang it."""
        self._in_pool.yes = True


def _whole(value: Any) -> Any:
    """A streamed body read to its end, anything else as it is."""
    return value.read() if hasattr(value, "read") else value
