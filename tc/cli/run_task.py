"""``tc run``"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.build.tasks import Ended, Task
    from tc.cli.run import Run
    from tc.errors import UsageError
    from tc.spec.function import Function

#: a function and the name it is told by
_Named = tuple[str, "Function"]


def run_task(
    task: Annotated[str, typer.Argument(help="Its name: a key of `tasks`.")],
    component: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--component",
            help="Only this function. May be repeated. "
            "[default: the function whose directory this is, else all that have the task]",
        ),
    ] = None,
    service: options.Service = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Start the others even when one has failed.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Functions at once. [default: one for each CPU]"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the commands and run none.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Run a task of every function that has it.

    Each command of function.json's `tasks` runs in its function's directory, several at
    once, and its lines are told with the function's name. Exits with 1 when one failed.
    """
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        tasks = _tasks(run, task, component or [], service)
        if dry_run:
            _tell(run, tasks)
            return
        from tc.build.tasks import run_tasks

        ended = run_tasks(tasks, run.emit, jobs=jobs or os.cpu_count() or 1, keep_going=keep_going)
        _finish(run, task, ended)


def _tasks(run: Run, name: str, components: Sequence[str], service: str | None) -> list[Task]:
    """What is to be run. Raises UsageError when there is no such task or function."""
    from tc.build.tasks import Task
    from tc.cli.functions import chosen, labelled
    from tc.cli.run import read_topology
    from tc.load.find import git_root

    spec, _ = read_topology(run, service, None, None)
    found = chosen(labelled(spec), components, here=None if service else Path.cwd())
    root = (git_root(spec.dir) or spec.dir).resolve()
    own = [(label, f) for label, f in found.items() if _is_own(f.dir.resolve(), root)]
    if components and len(own) < len(found):
        raise _foreign([label for label, f in found.items() if (label, f) not in own])
    lacking = [label for label, function in own if name not in function.tasks]
    if len(lacking) == len(own) or (components and lacking):
        raise _no_task(name, own, lacking)
    # functions that share a directory share its task
    merged: dict[tuple[Path, str], list[str]] = {}
    for label, function in own:
        if name in function.tasks:
            merged.setdefault((function.dir, function.tasks[name]), []).append(label)
    return [
        Task(name, ",".join(labels), command, directory)
        for (directory, command), labels in merged.items()
    ]


def _is_own(directory: Path, root: Path) -> bool:
    """Whether it is the project's, not fetched from elsewhere; the cache may lie below `root`."""
    from tc.places import cache_place

    fetched = directory.is_relative_to(cache_place().resolve())
    return directory.is_relative_to(root) and not fetched


def _foreign(labels: Sequence[str]) -> UsageError:
    from tc.errors import UsageError

    return UsageError(
        f"{', '.join(f'`{label}`' for label in labels)}: from another repository, whose commands "
        "tc doesn't run",
        code="component",
        where="-c",
        hint="run the task in a clone of that repository",
    )


def _no_task(name: str, functions: list[_Named], lacking: list[str]) -> UsageError:
    from tc.errors import UsageError
    from tc.load.suggest import did_you_mean

    if len(lacking) == len(functions) != 1:
        text = f"no function here has a task `{name}`"
    else:
        verb = "have" if len(lacking) > 1 else "has"
        text = f"{', '.join(f'`{label}`' for label in lacking)} {verb} no task `{name}`"
    there: dict[str, list[str]] = {}
    for label, function in functions:
        for task in function.tasks:
            there.setdefault(task, []).append(label)
    told = [f"{task} ({', '.join(labels)})" for task, labels in sorted(there.items())]
    listed = f"the tasks are {', '.join(told)}" if told else "write it below `tasks`"
    guess = did_you_mean(name, there)
    return UsageError(text, code="no-task", hint=f"{guess} {listed}" if guess else listed)


def _tell(run: Run, tasks: Sequence[Task]) -> None:
    from tc.build.commands import masked

    rows = [
        {"function": task.function, "dir": os.path.relpath(task.dir), "command": command}
        for task in tasks
        for command in [masked(task.command)]
    ]
    text = "\n".join(f"{row['function']}: {row['command']}  (in {row['dir']}/)" for row in rows)
    run.result(text, tasks=rows)


def _finish(run: Run, name: str, ended: Sequence[Ended]) -> None:
    """The sum, and the exit code."""
    from tc.errors import TcError
    from tc.events import Event

    failed = [end.task.function for end in ended if end.exit]
    left = [end.task.function for end in ended if end.exit is None]
    counts = {"done": len(ended) - len(failed) - len(left)}
    counts |= {"failed": len(failed), "skipped": len(left)}
    seconds = run.seconds()
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    run.emit(Event("done", f"{name}: {told} ({seconds:.1f} s)", {"seconds": seconds, **counts}))
    if failed:
        again = "".join(f" -c {label}" for group in failed + left for label in group.split(","))
        skipped = f"; not started: {', '.join(left)}" if left else ""
        raise TcError(
            f"`{name}` failed in {', '.join(failed)}{skipped}",
            code="task-failed",
            hint=f"tc run {name}{again}",
        )
