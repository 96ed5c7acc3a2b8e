"""The user's tasks: one command for each function, several at once, told line by line."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tc.build.commands import masked, program, secrets
from tc.events import Emit, Event
from tc.processes import Running
from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """`command`, the task `name` of the function `function`, to be run in `dir`."""

    name: str
    function: str
    command: str
    dir: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task ended: its exit code, negative for a signal; None when it wasn't started."""

    task: Task
    exit: int | None


def run_tasks(tasks: Sequence[Task], emit: Emit, *, jobs: int, keep_going: bool) -> list[Ended]:
    """Runs `tasks`, at most `jobs` at once; how each of them ended, in their order.

    After a failure the running ones are finished and, unless `keep_going`, no other
    is started. An interrupt ends every command, with all that it has started.
    """
    running = Running()
    failed = threading.Event()
    pool = ThreadPoolExecutor(min(jobs, len(tasks)) or 1, thread_name_prefix="task")
    with tempfile.TemporaryDirectory(prefix="tc-") as tools:

        def run(task: Task) -> Ended:
            if failed.is_set() and not keep_going:
                return Ended(task, None)
            ended = Ended(task, _run(task, running, Path(tools), emit))
            if ended.exit:
                failed.set()
            return ended

        try:
            return list(pool.map(run, tasks))
        except BaseException:
            running.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _run(task: Task, running: Running, tools: Path, emit: Emit) -> int:
    begun = time.monotonic()
    about = {"function": task.function, "task": task.name}
    emit(Event("task.started", "", {**about, "command": masked(task.command)}))
    hidden = secrets(os.environ)

    def tell(line: str) -> None:
        said = masked(line, hidden)
        emit(Event("task.output", f"{task.function} | {said}", {**about, "line": said}))

    # one for each task: several may come to write the same program
    own = Path(tempfile.mkdtemp(dir=tools))
    code = running.stream(program(task.command, task.dir, own), tell)
    seconds = round(time.monotonic() - begun, 3)
    text = f"{task.function}: {task.name} {ending(code)} ({seconds:.1f} s)"
    name = "task.failed" if code else "task.done"
    emit(Event(name, text, {**about, "exit": code, "seconds": seconds}))
    return code


def ending(code: int) -> str:
    """How a command ended, for a sentence."""
    if code < 0:
        return f"was ended by signal {-code}"
    return f"failed with exit code {code}" if code else "done"
