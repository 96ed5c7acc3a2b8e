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
class _Section:
    """What became of one functor: `end` is the last sentence, `said` the last beside that."""

    title: str = "tc"
    said: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    end: str = ""


@dataclass
class _Noting:
    """A printer that notes what the other one tells, by functor."""

    printer: Printer
    sections: list[_Section] = field(default_factory=lambda: [_Section()])

    @property
    def last(self) -> _Section:
        return self.sections[-1]

    @property
    def gone(self) -> bool:
        return self.printer.gone

    def emit(self, event: Event) -> None:
        self.printer.emit(event)
        data = dict(event.data)
        if event.name == "functor":
            self.sections.append(_Section(str(data["functor"])))
        elif event.name in ("step.done", "plan.step") and data.get("action") != "keep":
            self.last.steps.append(data)
        elif event.name == "step.failed":
            thing = f"{data.get('kind')} {data.get('title')}"
            self.last.failures.append(f"{thing}: {data.get('message')}")
        elif event.name in ("done", "plan"):
            self.last.end = event.text or self.last.end
        elif event.name == "log":
            self.last.said = event.text

    def error(self, error: BaseException) -> None:
        self.note(error)
        self.printer.error(error)

    def note(self, error: BaseException) -> None:
        self.last.failures.append(getattr(error, "message", str(error)))
        self.last.end = self.last.end or "Failed"

    def told(self) -> list[_Section]:
        """Those of functors, and what else something was told of; one at least."""
        first, *others = self.sections
        return self.sections if first.end or first.failures or not others else others

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
        noting.note(error)
        raise
    finally:
        run.printer = noting.printer
        with file.open("a", encoding="utf-8") as opened:
            for one in noting.told():
                steps = [{"changes": [], **step} for step in one.steps]
                text = run_markdown(one.title, steps, one.failures, one.end or one.said)
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
