"""Dependencies to layers: their bodies, made or found in the cache.

::

    functions ──► wanted layers ──► installed once for each digest ──► checked ──► zips ──► cache
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tc.build.failures import together
from tc.build.layer_cache import cached, remember, why
from tc.build.tools import Tools
from tc.build.wanted import Wanted
from tc.build.words import amount, few, reason, shown
from tc.errors import TcError
from tc.spec.layer import MOST_LAYERS, BuiltLayer

_WORKERS = 4


def build_layers(wanted: Sequence[Wanted], tools: Tools, part_size: int) -> list[BuiltLayer]:
    """The bodies of the `wanted` layers, in zips of at most `part_size` MB, in their order.

    What needs the same is installed once. Raises TcError; of several failures one that
    tells all of them, each once.
    """
    built: dict[str, BuiltLayer] = {}
    missing: dict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        if found := cached(one, tools.cache, part_size, contained=tools.always):
            built[one.name] = found
        else:
            missing[one.needs.digest if one.needs else one.digest].append(one)
    if missing:
        built |= _built(missing, tools, part_size)
    for one in wanted:
        _check_count(one, built[one.name], part_size)
    return [built[one.name] for one in wanted]


def _built(
    groups: Mapping[str, Sequence[Wanted]], tools: Tools, part_size: int
) -> dict[str, BuiltLayer]:
    """The layers of all `groups`, by their names; those of one group need the same."""
    from concurrent.futures import ThreadPoolExecutor

    built: dict[str, BuiltLayer] = {}
    failures: list[TcError] = []
    pool = ThreadPoolExecutor(min(_WORKERS, len(groups)), thread_name_prefix="layer")
    try:
        work = [pool.submit(_build, group, tools, part_size) for group in groups.values()]
        for future in work:
            try:
                built |= {layer.name: layer for layer in future.result()}
            except TcError as error:
                failures.append(error)
    except BaseException:
        tools.running.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if failures:
        raise together(failures, "layers can't be built", "layer-failed")
    return built


def _build(group: Sequence[Wanted], tools: Tools, part_size: int) -> Iterable[BuiltLayer]:
    """The layers of one group, which the cache lacks."""
    from tc.build.layer_body import make

    reasons = {one.name: why(one, tools.cache) for one in group}
    begun = time.monotonic()
    try:
        make(group, tools, part_size)
    except OSError as error:
        raise TcError(
            f"the layer `{group[0].name}` can't be built: {reason(error)}",
            code="layer-failed",
            where=shown(error.filename) if error.filename else shown(group[0].source),
        ) from error
    seconds = time.monotonic() - begun
    found = []
    for one in group:
        made = cached(one, tools.cache, part_size)
        assert made is not None
        found.append(replace(made, cached=False, why=reasons[one.name], seconds=seconds))
        remember(one, tools.cache)
    return found


def _check_count(one: Wanted, layer: BuiltLayer, part_size: int) -> None:
    count = len(layer.parts) + one.others
    if count <= MOST_LAYERS:
        return
    raise TcError(
        f"{few(one.users)} would have {count} layers, Lambda takes {MOST_LAYERS}: {one.others} "
        f"listed, and {len(layer.parts)} parts of `{one.name}` ({amount(layer.size)})",
        code="too-many-layers",
        where=shown(one.source),
        hint=f"larger parts: `layers.part_size` in config.yml (now {part_size} MB); or have the "
        "dependencies on EFS: `assets.DEPS_PATH`",
    )
