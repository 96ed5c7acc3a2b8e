"""GetResources lists flows, activities, Athena workgroups and parameters by their tags.

Why: the engine's index of tags leaves them out, and tc finds by it what a sandbox owns.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from .needs import EngineMismatch, need

#: service in an ARN -> its module; each keeps the tags by ARN
SERVICES = {
    "states": "services.stepfunctions",
    "athena": "services.athena",
    "ssm": "services.ssm",
}
Tags = list[dict[str, str]]


def install() -> None:
    collectors: dict[str, Any] = need("services.tagging", "_COLLECTORS")
    for service, module in SERVICES.items():
        need(module, "_tags")
        if service in collectors:
            raise EngineMismatch(f"the engine lists the tags of {service} itself")
        collectors[service] = collector(module)


def collector(module: str) -> Any:
    def collect() -> Iterator[tuple[str, Tags]]:
        found = importlib.import_module(f"ministack.{module}")._tags
        for arn, tags in list(found.items()):
            yield arn, listed(tags)

    return collect


def listed(tags: Any) -> Tags:
    """Tags as the index has them, from a mapping or Step Functions' own list."""
    if isinstance(tags, dict):
        return [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]
