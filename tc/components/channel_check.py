"""What AppSync would refuse of a topology's channels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tc.components.appsync import authorizer_function
from tc.components.channel_model import API_KEY, IAM, HandlerModel, model_of, publishing
from tc.spec.finding import Address, Finding
from tc.spec.topology import Entry, Id, Topology

#: characters of a channel's code (CreateChannelNamespace); channels of an API (AppSync quota)
_CODE_LIMIT = 32_768
_CHANNELS = 50
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?\Z")


def meant(topology: Topology, targets: Iterable[Id], written: str) -> Id | None:
    """The one of `targets` that `written` (a bare or a full name) means."""
    scope = topology.scope
    name = scope.fill(written)
    for kind, known in targets:
        names = {known, f"{scope.namespace}_{known}_{scope.sandbox}"}
        if kind == "function":
            names.add(topology.function_name(known))
        if name in names:
            return kind, known
    return None


def check(topology: Topology) -> Iterator[Finding]:
    channels = topology.entries.get("channels", {})
    for place, entry in enumerate(channels.values()):
        if place == _CHANNELS:
            message = f"there are {len(channels)} channels; AppSync takes {_CHANNELS} in an API"
            yield Finding("too-many-channels", message, entry.address, at="key")
        yield from _check_name(entry)
        yield from _check_handlers(entry)
        yield from _check_flows(entry)
        yield from _check_authorizer(topology, entry)
    yield from _check_one_authorizer(topology, channels.values())


def _check_name(entry: Entry) -> Iterator[Finding]:
    if not _NAME.match(entry.name):
        yield Finding(
            "bad-name",
            f"`{entry.name}` can't name a channel: up to 50 letters, digits and `-` only",
            entry.address,
            at="key",
        )


def _check_handlers(entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    if model.function and model.on_publish:
        yield Finding(
            "both",
            "`function` is short for `on_publish: {function: …}`, and both are here",
            entry.address / "function",
            "keep `on_publish`",
            at="key",
        )
    for key, part in (("on_publish", publishing(model)), ("on_subscribe", model.on_subscribe)):
        if part:
            yield from _check_handler(key, part, entry.address / key)


def _check_handler(key: str, part: HandlerModel, address: Address) -> Iterator[Finding]:
    said = [name for name in ("code", "function", "event") if getattr(part, name)]
    if len(said) > 1:
        message = f"`{said[0]}` and `{said[1]}` can't both be the handler"
        yield Finding("both", message, address / said[1], "keep one of them", "key")
    if key == "on_subscribe" and part.event:
        message = "a subscription is no event: it can't be put on a bus"
        yield Finding("invalid-value", message, address / "event", "name a function", "key")
    if part.sync and not part.function:
        yield Finding(
            "missing-key", "`sync` waits for a function, and none is named", address / "sync"
        )
    if part.code and len(part.code) > _CODE_LIMIT:
        message = f"the code has {len(part.code):,} characters; AppSync takes {_CODE_LIMIT:,}"
        yield Finding("too-large", message, address)
    word = "onPublish" if key == "on_publish" else "onSubscribe"
    if part.code and word not in part.code:
        message = f"the code has no `{word}`, which AppSync calls"
        yield Finding("no-code", message, address, f"export function {word}(ctx) {{ … }}")


def _check_flows(entry: Entry) -> Iterator[Finding]:
    for kind, name in entry.targets:
        if kind == "flow":
            yield Finding(
                "bad-target",
                f"a channel can't start the flow that `{name}` is the head of",
                entry.address / model_of(entry).target_key("function"),
                "send an event: `on_publish: {event: NAME}`, and `function:` at the event",
            )


def _check_authorizer(topology: Topology, entry: Entry) -> Iterator[Finding]:
    written = model_of(entry).authorizer
    if written in (None, API_KEY, IAM) or authorizer_function(topology, str(written)):
        return
    hint = f"there are: {', '.join(topology.functions) or 'none'}; or write `iam`, `api_key`"
    message = f"there is no function `{written}`"
    yield Finding("unknown-name", message, entry.address / "authorizer", hint)


def _check_one_authorizer(topology: Topology, channels: Iterable[Entry]) -> Iterator[Finding]:
    """An Event API has one Lambda authorizer."""
    first = ""
    for entry in channels:
        written = model_of(entry).authorizer
        if written in (None, API_KEY, IAM):
            continue
        function = authorizer_function(topology, str(written)) or ""
        if first and function and function != first:
            message = f"the channels of a sandbox have one authorizer, and `{first}` is it already"
            yield Finding("both", message, entry.address / "authorizer", f"write `{first}`")
        first = first or function
