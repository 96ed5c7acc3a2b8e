"""The kinds of AWS things, one file each, in the order in which they need each other.

Everything that lists kinds is made from `kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tc.components.protocol import Component
from tc.spec.base import Strict


@cache
def kinds() -> tuple[Component, ...]:
    """Every kind; imported on first use, so that ``tc --help`` doesn't pay for them."""
    from tc.components import (
        activity,
        alias,
        api,
        authorizer,
        bucket,
        bus,
        channel,
        channel_api,
        connection,
        distribution,
        event,
        flow,
        flow_alias,
        flow_version,
        function,
        job,
        log_group,
        mapping,
        mutation,
        mutation_api,
        page,
        page_bucket,
        permission,
        pipe,
        pool,
        pool_client,
        queue,
        role,
        route,
        schedule,
        schedule_group,
        stream,
        table,
        trigger,
        version,
        workgroup,
    )

    return (
        queue,
        bucket,
        table,
        pool,
        pool_client,
        role,
        log_group,
        function,
        version,
        alias,
        activity,
        workgroup,
        job,
        channel_api,
        channel,
        connection,
        mutation_api,
        mutation,
        flow,
        flow_version,
        flow_alias,
        api,
        authorizer,
        route,
        bus,
        event,
        schedule_group,
        schedule,
        permission,
        trigger,
        page_bucket,
        distribution,
        page,
        mapping,
        pipe,
        stream,
    )


def by_kind() -> Mapping[str, Component]:
    """The kinds by their name in plans."""
    return {component.KIND: component for component in kinds()}


def sections() -> dict[str, type[Strict]]:
    """The keys of topology.yml that kinds bring, with the model of one entry."""
    return dict(component.SECTION for component in kinds() if component.SECTION)
