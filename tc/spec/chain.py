"""How a function says what comes after it: keys of `functions.X` in topology.yml."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tc.spec.base import Entity, Strict


class MapHint(Strict):
    """`map` of a function, where the path of the list isn't all."""

    items: str = Field(description="path of a list in its result: each item goes to `function`")
    concurrency: Annotated[int, Field(ge=1)] | None = Field(
        None, description="items at once; as many as Step Functions takes, 40"
    )


class ChoiceRule(Entity):
    """A rule of `choice`: where the result goes when it is so."""

    when: str | dict[str, Any] | None = Field(
        None,
        description="`$.total > 100`, or a rule of a Choice state; left out in the last one: "
        "in every other case",
    )
    function: str | None = Field(None, description="the function that goes on")
    event: str | None = Field(None, description="the event that the result is sent as")
    queue: str | None = Field(None, description="the queue that gets the result")
    state: str | None = Field(None, description="`flow`: the flow that the result starts")
    mutation: str | None = Field(None, description="the mutation that gets the result")
    channel: str | None = Field(None, description="the channel that gets the result")
