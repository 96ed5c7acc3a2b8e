"""Where the things of a sandbox answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tc.plan.resource import Resource


@dataclass(frozen=True, slots=True)
class RouteAddress:
    """A route: its key in the plan, its method, and the URL that answers."""

    key: str
    title: str
    name: str
    method: str
    path: str
    url: str


def routes(
    desired: Iterable[Resource], outputs: Mapping[str, Mapping[str, str]]
) -> Iterator[RouteAddress]:
    """The addresses of the desired routes whose API is there."""
    for resource in desired:
        if resource.kind != "route" or not resource.parent:
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
