"""``tc build --clean``"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.cli.build import Build

#: what builds leave in the cache; the local engine, fetched repositories and what tc knows of
#: running containers stay
_LEFT = (
    *("packages", "builds", "layers", "assets", "pages", "staging"),
    *("binaries", "programs", "cargo", "bundles", "node", "esbuild", "provided"),
)


def clean_up(build: Build) -> None:
    """Empties the cache of builds, then runs the functions' own `clean` tasks."""
    from tc.build.cache import remove
    from tc.build.tasks import Task, run_tasks
    from tc.build.words import amount
    from tc.errors import TcError
    from tc.events import Event

    places = [build.tools.cache / name for name in _LEFT]
    freed = sum(_size(place) for place in places)
    tasks = [
        Task("clean", label, function.tasks["clean"], function.dir)
        for label, function in build.functions.items()
        if "clean" in function.tasks
    ]
    if build.dry_run:
        text = f"Would free {amount(freed)} of {build.tools.cache}"
        build.run.emit(Event("build.planned", text, {"bytes": freed}))
        for task in tasks:
            build.run.emit(Event("build.planned", f"Would run {task.function}: {task.command}"))
        return
    for place in places:
        remove(place)
    build.run.emit(Event("build.cleaned", f"Freed {amount(freed)} of the cache", {"bytes": freed}))
    ended = run_tasks(tasks, build.run.emit, jobs=os.cpu_count() or 1, keep_going=True)
    failed = [one.task.function for one in ended if one.exit]
    if failed:
        raise TcError(
            f"the task `clean` failed in {', '.join(failed)}",
            code="task-failed",
            hint=f"tc run clean -c {failed[0]}",
        )


def _size(place: Path) -> int:
    return sum(
        os.lstat(Path(folder) / name).st_size
        for folder, _, names in os.walk(place)
        for name in names
    )
