"""What a user says of a channel."""

from __future__ import annotations

from pydantic import Field

from tc.spec.base import Entity, Strict
from tc.spec.topology import Entry

#: authorizers that are no function
API_KEY = "api_key"
IAM = "iam"
#: the handler that hands on what it gets
DEFAULT = "default"


class HandlerModel(Strict):
    """`on_publish`, `on_subscribe`: what happens before subscribers get an event, or are taken."""

    handler: str | None = Field(
        None,
        description="`default` (nothing), or the path of a file with `onPublish` or "
        "`onSubscribe` for AppSync's JavaScript runtime",
    )
    code: str | None = Field(None, description="the JavaScript itself, instead of a file")
    function: str | None = Field(None, description="the function that gets it")
    event: str | None = Field(None, description="the event that what is published is sent as")
    sync: bool = Field(
        False, description="AppSync waits for the function: what it returns is what is published"
    )


class ChannelModel(Entity):
    """`channels.X`: a place to publish to and to subscribe at (a namespace of AppSync Events)."""

    on_publish: HandlerModel | None = Field(None, description="what happens to published events")
    on_subscribe: HandlerModel | None = Field(None, description="what happens to subscriptions")
    function: str | None = Field(
        None, description="the function that gets what is published; short for `on_publish`"
    )
    authorizer: str | None = Field(
        None, description="`api_key` (default), `iam`, or a function that says who may use it"
    )

    def targets(self) -> list[tuple[str, str]]:
        found = [("function", self.function)] if self.function else []
        for part in (self.on_publish, self.on_subscribe):
            if part:
                found += [("function", part.function)] if part.function else []
                found += [("event", part.event)] if part.event else []
        return list(dict.fromkeys((kind, name) for kind, name in found if name))

    def target_key(self, kind: str) -> str:
        if kind == "function" and self.function:
            return "function"
        part = self.on_publish
        return "on_publish" if part and getattr(part, kind, None) else "on_subscribe"


def model_of(entry: Entry) -> ChannelModel:
    assert isinstance(entry.model, ChannelModel)
    return entry.model


def publishing(model: ChannelModel) -> HandlerModel | None:
    """`on_publish`, or what `function` is short for."""
    if model.function and not model.on_publish:
        return HandlerModel(function=model.function)
    return model.on_publish
