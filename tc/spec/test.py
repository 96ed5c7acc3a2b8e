"""Tests of what is deployed: `tests` of a topology, `test` of a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.finding import Address

#: how an answer is compared, besides a JSONPath
CONDITIONS = ("includes", "matches", "regex")
#: seconds that a flow, or what an event leads to, has
WITHIN_S = 60
#: the longest that it may have: what Lambda gives a function (Lambda quotas)
LONGEST_S = 900
#: what `auth` says where the request is signed with the credentials of the env
IAM = "iam"
#: what `payload` of a test starts with when it stands in a bucket
S3 = "s3://"


class CaseEntry(Strict):
    """One test: what is called, with what, and what must come of it."""

    entity: str | None = Field(
        None,
        description="what is called: functions/X, routes/X, events/X, queues/X, flow or flow/X; "
        "the function it stands at, else what `tc invoke` calls",
    )
    payload: Any = Field(
        None, description="JSON; or the path of a .json or .yml file, or s3://bucket/key; {}"
    )
    expect: Any = Field(None, description="what the answer must have; nothing: it succeeds")
    condition: Annotated[str, Field(min_length=1)] = Field(
        "includes",
        description="includes: the answer has `expect` in it; matches: it is `expect`; regex: "
        "its text fits; or a JSONPath: what is there is `expect`",
    )
    error: str | None = Field(
        None, description="the function or the flow must fail, with this in its error"
    )
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        None, description="of a route: the HTTP status; any below 400"
    )
    method: str | None = Field(None, description="of a route that has several; its first")
    path: str | None = Field(
        None, description="of a route: the path that is asked for, with its query; the route's"
    )
    headers: dict[str, str] = Field({}, description="of a route: headers of the request")
    auth: str | None = Field(
        None,
        description="of a route: the header Authorization; also ssm:/path, secretsmanager:name; or "
        "iam: signed with the credentials of the env",
    )
    reaches: str | None = Field(
        None,
        description="of an event or a queue: functions/X whose log, or flow whose output must "
        "have `expect`",
    )
    within: Annotated[int, Field(ge=1, le=LONGEST_S)] = Field(
        WITHIN_S, description=f"seconds that it may take; {WITHIN_S}"
    )


#: keys that only some entities have, and the sections of those
ONLY_FOR: Mapping[str, frozenset[str]] = {
    "status": frozenset({"routes"}),
    "method": frozenset({"routes"}),
    "path": frozenset({"routes"}),
    "headers": frozenset({"routes"}),
    "auth": frozenset({"routes"}),
    "reaches": frozenset({"events", "queues"}),
}
_ONE, _MANY = "<one>", "<many>"


def _form(data: Any) -> str:
    """Whether `data` is one test, or tests by name."""
    if not isinstance(data, Mapping) or not data or CaseEntry.model_fields.keys() & data.keys():
        return _ONE
    return _MANY if all(isinstance(value, Mapping) for value in data.values()) else _ONE


#: one test, or tests by name
Cases = Annotated[
    Annotated[CaseEntry, Tag(_ONE)] | Annotated[dict[str, CaseEntry], Tag(_MANY)],
    Discriminator(_form),
]


@dataclass(frozen=True, slots=True)
class Case:
    """A test as it is run.

    `name` is unique in its topology: ``tests/NAME``, ``functions/X`` or ``functions/X/NAME``.
    `entity` is as in `CaseEntry`, or the function that it stands at; empty for what
    ``tc invoke`` calls. `payload` is JSON, templates included, or the ``s3://`` address of it.
    """

    name: str
    entity: str
    payload: Any
    entry: CaseEntry
    address: Address

    @property
    def section(self) -> str:
        """The section of its entity: ``functions``, ``routes``, …; ``flow``; empty when it
        has none written."""
        first = self.entity.partition("/")[0]
        return "flow" if first in ("state", "states") else first

    @property
    def expects(self) -> bool:
        """Whether the answer is looked at."""
        return "expect" in self.entry.model_fields_set or self.is_path

    @property
    def is_path(self) -> bool:
        """Whether the condition is a JSONPath."""
        return self.entry.condition.startswith("$")
