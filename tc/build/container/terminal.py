"""A shell in a container, on the user's own terminal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from typing import Any

from tc.build.container import Engine
from tc.build.container.box import Box
from tc.build.container.files import packed
from tc.build.tools import WORK, Job

#: bytes that are moved at once
_CHUNK = 64 * 1024
#: the best shell that an image has
_SHELL = "command -v bash >/dev/null && exec bash -i || exec sh -i"


def open_shell(engine: Engine, job: Job) -> int:
    """A shell with the files of `job.directory` in `WORK`, in the environment that the job's
    commands would have; its exit code. What is changed there is gone with it."""
    with engine.box(job.platform, f"in a shell for {job.what}", ssh=job.ssh) as box:
        box.put(packed(job.directory, WORK.lstrip("/")))
        return attached(box, engine.environment(job), sys.stdin.fileno(), sys.stdout.fileno())


def attached(box: Box, environment: Mapping[str, str], stdin: int, stdout: int) -> int:
    """Joins the terminal `stdin`, `stdout` and a shell in `box` until the shell ends."""
    api = box.client.api
    made = api.exec_create(
        box.id,
        ["/bin/sh", "-c", _SHELL],
        stdin=True,
        tty=True,
        workdir=WORK,
        environment={**environment, "TERM": os.environ.get("TERM", "xterm")},
    )
    stream = api.exec_start(made["Id"], tty=True, socket=True)
    raw = getattr(stream, "_sock", stream)

    def resize(*_: object) -> None:
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(stdout)
            api.exec_resize(made["Id"], height=size.lines, width=size.columns)

    with contextlib.closing(stream), _raw(stdin), _on_resize(resize):
        resize()
        _joined(raw, stdin, stdout)
    return int(api.exec_inspect(made["Id"])["ExitCode"] or 0)


def _joined(stream: Any, stdin: int, stdout: int) -> None:
    """Moves bytes both ways until the other side ends."""
    watched = [stream, stdin]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if stream in ready:
            said = stream.recv(_CHUNK)
            if not said:
                return
            while said:
                said = said[os.write(stdout, said) :]
        if stdin in ready:
            typed = os.read(stdin, _CHUNK)
            if typed:
                stream.sendall(typed)
            else:
                watched.remove(stdin)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Every key goes to the other side; afterwards the terminal is as it was."""
    before = termios.tcgetattr(descriptor)
    try:
        # what was typed meanwhile is kept
        tty.setraw(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _on_resize(resize: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
