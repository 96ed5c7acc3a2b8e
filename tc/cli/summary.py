"""``--summary FILE``: what a command did, as Markdown, beside what it prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tc.cli.render import Printer
    from tc.cli.run import Run
    from tc.events import Event


@dataclass
class _Noting:
    """A printer that notes what the other one tells."""

    printer: Printer
    title: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    end: str = ""

    @property
    def gone(self) -> bool:
        return self.printer.gone

    def emit(self, event: Event) -> None:
        self.printer.emit(event)
        data = dict(event.data)
        if event.name == "functor":
            self.title = str(data["functor"])
        elif event.name in ("step.done", "plan.step") and data.get("action") != "keep":
            self.steps.append(data)
        elif event.name == "step.failed":
            self.failures.append(f"{data.get('kind')} {data.get('title')}: {data.get('message')}")
        elif event.name in ("done", "plan"):
            self.end = event.text or self.end

    def error(self, error: BaseException) -> None:
        self.printer.error(error)

    def close(self) -> None:
        self.printer.close()


@contextmanager
def summarised(run: Run, file: Path | None) -> Iterator[None]:
    """Appends to `file` what the body tells through `run`, also when it fails.

    Raises UsageError before the body when the file can't be written.
    """
    if file is None:
        yield
        return
    from tc.cli.render.markdown import run_markdown
    from tc.errors import TcError

    _touch(file)
    noting = _Noting(run.printer)
    run.printer = noting
    try:
        yield
    except TcError as error:
        noting.failures.append(error.message)
        noting.end = noting.end or "Failed"
        raise
    finally:
        run.printer = noting.printer
        steps = [{"changes": [], **step} for step in noting.steps]
        text = run_markdown(noting.title or "tc", steps, noting.failures, noting.end or "Planned")
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{text}\n")


def _touch(file: Path) -> None:
    from tc.errors import UsageError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("a").close()
    except OSError as error:
        raise UsageError(
            f"the summary can't be written: {error.strerror or error}",
            code="unwritable",
            where=str(file),
        ) from None
