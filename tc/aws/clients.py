"""One botocore client for each service, made when it is first needed, and what they called."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from tc.aws.operations import is_long, only_once, writes
from tc.aws.rates import Limiter
from tc.config import Environment


class Call(NamedTuple):
    """A call as it is counted: ``lambda.create_function``, and whether it can change things."""

    operation: str
    wrote: bool


class Clients:
    """The clients of one session and region, for many threads.

    A client costs 5 to 40 ms of CPU. A service has a second one, made of the
    same model in 2 ms, for calls that must be sent once or may take minutes.
    """

    def __init__(self, session: Any, environment: Environment, region: str, workers: int):
        from tc.aws import sdk

        self._sdk = sdk
        self._session = session
        self._environment = environment
        self._region = region
        self._workers = workers
        self._clients: dict[tuple[str, int, int], Any] = {}
        self._lock = threading.Lock()
        self._limiter = Limiter()
        self._calls_lock = threading.Lock()
        self.calls: Counter[Call] = Counter()

    def get(self, service: str, operation: str) -> Any:
        """The client to make this call with."""
        long = is_long(service, operation)
        read_timeout = self._sdk.LONG_READ_TIMEOUT if long else self._sdk.READ_TIMEOUT
        key = (service, self._attempts(service, operation), read_timeout)
        client = self._clients.get(key)
        if client is None:
            with self._lock:
                client = self._clients.get(key)
                if client is None:
                    client = self._clients[key] = self._new(*key)
        return client

    def written(self) -> int:
        """How many calls were made that can change something."""
        with self._calls_lock:
            return sum(count for call, count in self.calls.items() if call.wrote)

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _attempts(self, service: str, operation: str) -> int:
        if only_once(service, operation):
            return 1
        if self._environment.local:
            return self._sdk.LOCAL_ATTEMPTS
        return self._sdk.FIRST_ATTEMPTS if service == "sts" else self._sdk.ATTEMPTS

    def _new(self, service: str, attempts: int, read_timeout: int) -> Any:
        config = self._sdk.client_config(
            attempts=attempts,
            read_timeout=read_timeout,
            workers=self._workers,
            local=self._environment.local,
        )
        name, _, region = service.partition("@")
        client = self._session.create_client(
            name,
            region_name=region or self._region,
            endpoint_url=self._environment.endpoint_url,
            config=config,
        )
        real = self._sdk.is_aws(client.meta.endpoint_url)
        if not real:  # an engine or a proxy has no name that starts with ``sync-``
            client.meta.config.inject_host_prefix = False
        client.meta.events.register("before-call", self._before_call(service, limited=real))
        return client

    def _before_call(self, service: str, *, limited: bool) -> Callable[..., None]:
        """What botocore runs before each call, pages included: keep the rate, count."""
        from botocore import xform_name

        def before_call(model: Any, **_: Any) -> None:
            operation = xform_name(model.name)
            if limited:
                self._limiter.wait(service, operation)
            with self._calls_lock:
                self.calls[Call(f"{service}.{operation}", writes(operation))] += 1

        return before_call
