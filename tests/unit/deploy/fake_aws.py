# ruff: noqa: N803  the parameters are named as AWS names them
"""An account in memory, as strict as AWS where tc relies on it.

It implements the `Aws` protocol of `tc.components.protocol`. What tc never calls
isn't there: such a call fails the test. Answers and requests are copied, so no
caller shares data with the account.
"""

from __future__ import annotations

import copy
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fake_events import Events
from fake_gateway import HttpApis, RestApis
from fake_services import Functions, Logs, Roles, StateMachines

from tc.errors import AwsError, TcError

READS = ("get_", "list_", "describe_")
Hook = Callable[[str, dict[str, Any]], Exception | None]


class FakeAws(Roles, Logs, Functions, StateMachines, Events, HttpApis, RestApis):
    """`hook` sees every call before it is made and may give the error to raise instead;
    `after` sees it when it has taken effect: the answer is lost when it gives an error."""

    account = "111122223333"
    region = "eu-west-1"
    partition = "aws"
    local = False
    endpoint = None

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.hook: Hook = lambda operation, given: None
        self.after: Hook = lambda operation, given: None
        for part in FakeAws.__bases__:
            part.start(self)

    def call(self, service: str, operation: str, /, **kwargs: Any) -> dict[str, Any]:
        name = f"{service}.{operation}"
        with self._lock:
            self.calls.append((name, kwargs))
            error = self.hook(name, kwargs)
            if error:
                raise error
            method = getattr(self, f"{service}_{operation}")
            answer: dict[str, Any] = copy.deepcopy(method(**copy.deepcopy(kwargs)) or {})
            error = self.after(name, kwargs)
            if error:
                raise error
            return answer

    def pages(
        self, service: str, operation: str, key: str, /, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        yield from self.call(service, operation, **kwargs)[key]

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
        return [function(item) for item in items]

    def wait(self, what: str, probe: Callable[[], str], /, *, first: float | None = None) -> None:
        for _ in range(3):
            if not probe():
                return
        raise TcError(f"{what} took too long", code="timeout")

    def insist(self, what: str, call: Callable[[], Any], /) -> Any:
        return call()

    # what a test asks

    def names(self) -> Counter[str]:
        """The operations called so far, and how often."""
        return Counter(name for name, _ in self.calls)

    def writes(self) -> list[str]:
        return [name for name, _ in self.calls if not name.split(".")[1].startswith(READS)]

    def forget(self) -> None:
        self.calls.clear()

    def is_empty(self) -> bool:
        return not any(
            [
                self.roles,
                self.groups,
                self.functions,
                self.machines,
                self.rules,
                self.http_apis,
                self.rest_apis,
            ]
        )

    # the index of tags

    def resourcegroupstaggingapi_get_resources(
        self, TagFilters: list[dict[str, Any]]
    ) -> dict[str, Any]:
        wanted = TagFilters[0]
        found = []
        for arn, tags in self._tagged():
            value = tags.get(wanted["Key"])
            if value is not None and value in wanted.get("Values", [value]):
                listed = [{"Key": key, "Value": text} for key, text in tags.items()]
                found.append({"ResourceARN": arn, "Tags": listed})
        return {"ResourceTagMappingList": found}

    def _tagged(self) -> Iterator[tuple[str, dict[str, str]]]:
        """As AWS does, without roles."""
        for function in self.functions.values():
            yield function["arn"], function["tags"]
        for name, group in self.groups.items():
            yield self.arn("logs", f"log-group:{name}"), group["tags"]
        for machine in self.machines.values():
            yield machine["stateMachineArn"], machine["tags"]
        for rule in self.rules.values():
            yield rule["Arn"], rule["tags"]
        for number, api in self.http_apis.items():
            yield f"arn:aws:apigateway:{self.region}::/apis/{number}", api["Tags"]
        for number, api in self.rest_apis.items():
            yield f"arn:aws:apigateway:{self.region}::/restapis/{number}", api["tags"]


def refused(code: str, message: str = "refused", status: int = 400) -> AwsError:
    """What AWS says when it refuses a call, for a hook to give."""
    return AwsError(message, aws_code=code, operation="test", status=status)


def policy_of(aws: FakeAws, function: str) -> list[dict[str, Any]]:
    """The statements of a function's own policy."""
    return list(aws.functions[function]["policy"].values())


def role_policy(aws: FakeAws, name: str) -> Any:
    return json.loads(aws.roles[name]["policies"]["tc"])
