"""What ``tc build`` tells: each thing made or found, then the sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tc.cli.build import Build, Made
    from tc.cli.run import Run


def tell(run: Run, made: Made) -> None:
    """``Built layer etl-enhancer (4.1 MB, 12.3 MB unpacked): requirements.txt changed``"""
    from tc.build.words import amount
    from tc.events import Event

    verb = "Unchanged" if made.cached else "Built"
    sizes = amount(made.size) if made.size else ""
    if made.unpacked and made.unpacked != made.size:
        sizes += f", {amount(made.unpacked)} unpacked"
    text = f"{verb} {made.kind} {made.name}" + (f" ({sizes})" if sizes else "")
    if made.why and not made.cached:
        text += f": {made.why}"
    if made.seconds >= 0.1 and not made.cached:
        text += f" ({made.seconds:.1f} s)"
    for address in made.published:
        text += f"\n  {address}"
    data = {
        "kind": made.kind,
        "name": made.name,
        "functions": list(made.functions),
        "bytes": made.size,
        "unpacked": made.unpacked,
        "cached": made.cached,
        "why": made.why,
        "seconds": round(made.seconds, 3),
        "path": str(made.path) if made.path else "",
        "published": list(made.published),
    }
    run.emit(Event("build.made", text, data))


def would_build(build: Build, kind: str, name: str, detail: str = "") -> None:
    """A line of ``--dry-run``."""
    would(build, "build", kind, name, detail)


def would(build: Build, verb: str, kind: str, name: str, detail: str = "") -> None:
    """A line of ``--dry-run``: what would be done, `verb` build or publish."""
    from tc.events import Event

    build.planned.append(name)
    text = f"Would {verb} {kind} {name}" + (f": {detail}" if detail else "")
    data = {"action": verb, "kind": kind, "name": name, "detail": detail}
    build.run.emit(Event("build.planned", text, data))


def finish(build: Build) -> None:
    """The last line, and the exit code: every failure is told."""
    from tc.events import Event

    told = {(error.code, error.where, error.message): error for error in build.failures}
    for error in told.values():
        build.run.printer.error(error)
    built = sum(1 for made in build.made if not made.cached)
    cached = len(build.made) - built
    parts = [
        f"{count} {word}" for count, word in ((built, "built"), (cached, "unchanged")) if count
    ]
    sent = len(set(build.sent))
    parts += [f"{sent} published"] if sent else []
    parts += [f"{len(build.planned)} to do"] if build.planned else []
    parts += [f"{len(told)} failed"] if told else []
    seconds = build.run.seconds()
    nothing = "nothing written" if build.dry_run else "nothing to build"
    text = f"{'Failed' if build.failures else 'Done'}: {', '.join(parts) or nothing}"
    data = {"seconds": seconds, "built": built, "cached": cached, "published": sent}
    data["failed"] = len(told)
    build.run.emit(Event("done", f"{text} ({seconds:.1f} s)", data))
    if build.failures:
        raise typer.Exit(max(error.exit_code for error in build.failures))
