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

import fake_pages
from fake_appsync import AppSync
from fake_data import Buckets, Mappings, Queues, Streams, Tables
from fake_events import Events
from fake_gateway import HttpApis
from fake_pipes import Pipes
from fake_pools import Pools
from fake_rest import RestApis
from fake_schedules import Schedules
from fake_services import Logs, Roles, StateMachines
from fake_sites import Sites
from fake_work import Activities, Jobs, Workgroups

from tc.errors import AwsError, TcError

READS = ("get_", "list_", "describe_")
Hook = Callable[[str, dict[str, Any]], Exception | None]


class FakeAws(
    Sites,
    Roles,
    Logs,
    Mappings,
    Queues,
    Buckets,
    Tables,
    Streams,
    Activities,
    Workgroups,
    Jobs,
    StateMachines,
    Events,
    AppSync,
    Schedules,
    Pipes,
    HttpApis,
    RestApis,
    Pools,
):
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
        return fake_pages.first_page(name, kwargs, self._answer(service, operation, kwargs))

    def _answer(self, service: str, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Everything there is to tell, however much."""
        name = f"{service}.{operation}"
        with self._lock:
            self.calls.append((name, kwargs))
            error = self.hook(name, kwargs)
            if error:
                raise error
            method = getattr(self, f"{service.partition('@')[0]}_{operation}".replace("-", "_"))
            answer: dict[str, Any] = copy.deepcopy(method(**copy.deepcopy(kwargs)) or {})
            error = self.after(name, kwargs)
            if error:
                raise error
            return answer

    def pages(
        self, service: str, operation: str, key: str, /, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        name = f"{service}.{operation}"
        said = {k: v for k, v in kwargs.items() if k != "PaginationConfig"}
        answer = self._answer(service, operation, said)
        for number, page in enumerate(fake_pages.pages(name, key, kwargs, answer[key])):
            if number:
                self.calls.append((name, kwargs))
            yield from page

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
        return [function(item) for item in items]

    def wait(
        self,
        what: str,
        probe: Callable[[], str],
        /,
        *,
        first: float | None = None,
        deadline: float | None = None,
    ) -> None:
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
                self.mappings,
                self.pipes,
                self.queues,
                self.buckets,
                self.tables,
                self.streams,
                self.activities,
                self.workgroups,
                self.jobs,
                self.rules,
                self.event_apis,
                self.graphql_apis,
                self.connections,
                [bus for bus, tags in self.buses.items() if "tc:bus" in tags],
                self.schedule_groups,
                self.schedules,
                self.http_apis,
                self.rest_apis,
                self.pools,
                list(self.left_of_sites()),
            ]
        )

    # the index of tags

    def resourcegroupstaggingapi_get_resources(
        self, TagFilters: list[dict[str, Any]], ResourceTypeFilters: list[str] | None = None
    ) -> dict[str, Any]:
        wanted = TagFilters[0]
        found = []
        # what is of no region is known in one only, where nothing else of the account is
        of_cloudfront = ResourceTypeFilters == ["cloudfront:distribution"]
        for arn, tags in self.tagged_sites() if of_cloudfront else self._tagged():
            value = tags.get(wanted["Key"])
            if value is not None and value in wanted.get("Values", [value]):
                listed = [{"Key": key, "Value": text} for key, text in tags.items()]
                found.append({"ResourceARN": arn, "Tags": listed})
        return {"ResourceTagMappingList": found}

    def _tagged(self) -> Iterator[tuple[str, dict[str, str]]]:
        """As AWS does, without roles."""
        yield from self.tagged_pools()
        yield from self.tagged_appsync()
        for function in self.functions.values():
            yield function["arn"], function["tags"]
        for name, group in self.groups.items():
            yield self.arn("logs", f"log-group:{name}"), group["tags"]
        for machine in self.machines.values():
            yield machine["stateMachineArn"], machine["tags"]
        for activity in self.activities.values():
            yield activity["activityArn"], activity["tags"]
        for name, workgroup in self.workgroups.items():
            yield self.arn("athena", f"workgroup/{name}"), workgroup["tags"]
        for name, job in self.jobs.items():
            yield self.arn("glue", f"job/{name}"), job["tags"]
        for number, api in self.http_apis.items():
            yield f"arn:aws:apigateway:{self.region}::/apis/{number}", api["Tags"]
        for number, api in self.rest_apis.items():
            yield f"arn:aws:apigateway:{self.region}::/restapis/{number}", api["tags"]
        yield from self._tagged_sources()

    def _tagged_sources(self) -> Iterator[tuple[str, dict[str, str]]]:
        """What events, records and messages come from."""
        for rule in self.rules.values():
            yield rule["Arn"], rule["tags"]
        for name, queue in self.queues.items():
            yield self.arn("sqs", name), queue["tags"]
        for name, bucket in self.buckets.items():
            yield f"arn:aws:s3:::{name}", bucket["tags"]
        for name, table in self.tables.items():
            yield self.arn("dynamodb", f"table/{name}"), table["tags"]
        for stream in self.streams.values():
            yield stream["DeliveryStreamARN"], stream["tags"]
        for number, mapping in self.mappings.items():
            yield self.arn("lambda", f"event-source-mapping:{number}"), mapping["tags"]
        for schedule_group in self.schedule_groups.values():
            yield schedule_group["Arn"], schedule_group["tags"]


def refused(code: str, message: str = "refused", status: int = 400) -> AwsError:
    """What AWS says when it refuses a call, for a hook to give."""
    return AwsError(message, aws_code=code, operation="test", status=status)


def policy_of(aws: FakeAws, function: str) -> list[dict[str, Any]]:
    """The statements of a function's own policy."""
    return list(aws.functions[function]["policy"].values())


def role_policy(aws: FakeAws, name: str) -> Any:
    return json.loads(aws.roles[name]["policies"]["tc"])
