"""Where the things of a sandbox answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tc.plan.resource import Resource
from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class RouteAddress:
    """A route: its key in the plan, its method, and the URL that answers."""

    key: str
    title: str
    name: str
    method: str
    path: str
    url: str


@dataclass(frozen=True, slots=True)
class PageAddress:
    """A page and its URL. `alias` is what its host name must be a CNAME of, where it has
    one of its own; else both are empty."""

    key: str
    title: str
    url: str
    host: str = ""
    alias: str = ""


def pages(
    desired: Iterable[Resource], outputs: Mapping[str, Mapping[str, str]]
) -> Iterator[PageAddress]:
    """The addresses of the desired pages whose distribution is there."""
    for resource in desired:
        told = outputs.get(resource.key, {}) if resource.kind == "distribution" else {}
        if told:
            own = told["host"] != told["domain"]
            names = (told["host"], told["domain"]) if own else ("", "")
            yield PageAddress(resource.key, resource.title, told["url"], *names)


def routes(
    desired: Iterable[Resource], outputs: Mapping[str, Mapping[str, str]]
) -> Iterator[RouteAddress]:
    """The addresses of the desired routes whose API is there, without those that only tell
    browsers what they may ask."""
    for resource in desired:
        if resource.kind != "route" or not resource.parent:
            continue
        if resource.props["integration"].get("type") == "MOCK":
            continue
        root = outputs.get(resource.parent, {}).get("url", "")
        if root:
            path = str(resource.props["path"])
            yield RouteAddress(
                key=resource.key,
                title=resource.title,
                name=resource.name,
                method=str(resource.props["method"]),
                path=path,
                url=f"{root}{path}",
            )
