"""``tc test``"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.junit import Report
    from tc.cli.run import Run, Target
    from tc.testing.run import Result, Test


#: tests that are named where none is meant
_FEW = 12


def run_tests(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    components: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--component",
            help="Only the tests of this: functions/X, routes/X, flow, functions; or a test by its "
            "name: tests/X. May be repeated. [default: every test]",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Test in a sandbox of its own, made before and deleted after."
        ),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="With --fresh: leave the sandbox when a test fails.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the results to this file, as JUnit XML.")
    ] = None,
    service: options.Service = None,
    region: options.Region = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the tests and run none.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Run the tests of a topology and its functions against a sandbox.

    All at once, told in the order of the files. Exits with 1 when one failed, with 0 when
    there is none.
    """
    from tc.cli.junit import Report
    from tc.cli.run import open_target, running

    with running(as_json=as_json) as run:
        name = _sandbox(sandbox, fresh=fresh, keep=keep)
        report = Report("tc test")
        with _written(run, report, junit):
            target = open_target(run, sandbox=name, env=env, service=service, region=region)
            tests = report.tests = selected(target, components or [])
            if dry_run or not tests:
                _tell_tests(run, tests)
                return
            with _made(run, target, report, fresh=fresh, keep=keep):
                _run(run, target, report, fresh=fresh and not keep)
            _finish(run, target, report)


def _sandbox(sandbox: str | None, *, fresh: bool, keep: bool) -> str | None:
    """The sandbox that is meant; with --fresh a name that nobody has."""
    from tc.errors import UsageError

    if keep and not fresh:
        raise UsageError("--keep is for --fresh: no other sandbox is deleted", where="--keep")
    if not fresh:
        return sandbox
    if sandbox:
        raise UsageError(
            "--fresh makes a sandbox of its own, and -s names another",
            where="-s",
            hint="leave -s out, or --fresh",
        )
    return f"test-{secrets.token_hex(4)}"


@contextmanager
def _written(run: Run, report: Report, file: Path | None) -> Iterator[None]:
    """Writes the JUnit file at the end, also when the run is stopped in the middle."""
    from tc.errors import InvalidInput, TcError

    try:
        yield
    except InvalidInput as error:
        report.failure = "\n".join(f"{p.file}:{p.line}: {p.message}" for p in error.problems)
        raise
    except TcError as error:
        report.failure = error.message
        raise
    except typer.Exit as end:
        if end.exit_code and not report.results:
            report.failure = "the sandbox couldn't be made"
        raise
    except KeyboardInterrupt:
        report.failure = "it was interrupted"
        raise
    finally:
        if file:
            report.write(file, run.seconds())


def selected(target: Target, components: Sequence[str]) -> list[Test]:
    """The tests that ``-c`` means, in the order of the files. Raises UsageError for a word
    that means none."""
    from tc.errors import UsageError
    from tc.testing.run import Test

    parts = zip(target.spec.family(), target.topology.family(), strict=True)
    found = [
        Test(case.name if part is target.topology else f"{part.name}:{case.name}", case, part)
        for spec, part in parts
        for case in spec.cases
    ]
    chosen = {word: [test for test in found if _means(word, test)] for word in components}
    for word, tests in chosen.items():
        if not tests:
            hint = _there(word, [test.name for test in found])
            raise UsageError(f"there is no test of `{word}`", code="component", hint=hint)
    kept = {test.name for tests in chosen.values() for test in tests}
    return [test for test in found if not components or test.name in kept]


def _there(word: str, names: Sequence[str]) -> str:
    """What could have been meant by `word`."""
    from tc.load.suggest import did_you_mean

    few = f"there are: {', '.join(names)}" if names else "write one below `tests`"
    many = "`tc test --dry-run` lists them"
    return did_you_mean(word, names) or (few if len(names) <= _FEW else many)


def _means(word: str, test: Test) -> bool:
    """Whether ``-c WORD`` is about the test: its name or a beginning of it, or what it calls."""
    kind, name = test.called
    section = kind if kind == "flow" else f"{kind}s"
    own = {test.name, test.case.name, test.entity, section, f"{section}/{name}", name}
    return word in own or test.name.startswith(f"{word}/")


def _tell_tests(run: Run, tests: Sequence[Test]) -> None:
    """What would be run."""
    if not tests:
        text = "There are no tests: write `tests` in topology.yml, or `test` of a function"
        run.emit(Event("tests", text, {"passed": 0, "failed": 0, "seconds": 0.0, "tests": []}))
        return
    rows = [[test.name, test.entity] for test in tests]
    run.emit(Event("table", "", {"columns": ["test", "calls"], "rows": rows}))


@contextmanager
def _made(run: Run, target: Target, report: Report, *, fresh: bool, keep: bool) -> Iterator[None]:
    """With --fresh the sandbox is made before, and deleted after whatever happens."""
    if not fresh:
        yield
        return
    from tc.cli.change import bring_about

    name = target.scope.sandbox
    run.emit(Event("sandbox", f"Testing in a sandbox of its own, {name}", {"sandbox": name}))
    try:
        bring_about(run, target, [], dry_run=False, adopt=False, purge=False, command="create")
        yield
    finally:
        if keep and not _passed(report):
            text = f"Sandbox {name} is left. To delete it: {_removal(target)}"
            run.emit(Event("sandbox", text, {"sandbox": name, "kept": True}))
        else:
            _delete(run, target)


def _passed(report: Report) -> bool:
    return len(report.results) == len(report.tests) and all(r.ok for r in report.results)


def _removal(target: Target) -> str:
    scope = target.scope
    return f"tc delete -s {scope.sandbox} -e {target.environment.name} --purge"


def _delete(run: Run, target: Target) -> None:
    """Deletes the sandbox that was made, with the data that the tests left in it; what stays
    is said, and how to get rid of it."""
    from tc.cli.hooks import carry_out, hooks_of
    from tc.deploy.pipeline import prepare_removal
    from tc.errors import TcError

    left = True
    why = ""
    try:
        prepared = prepare_removal(target.topology, target.aws, purge=True)
        outcome = carry_out(run, target, prepared, hooks_of(target, "delete"), "delete")
        left = not outcome.ok
    except TcError as error:
        why = f": {error.message}"
    finally:
        if left:
            message = f"sandbox {target.scope.sandbox} isn't deleted{why}"
            data = {"code": "not-deleted", "message": message, "hint": _removal(target)}
            run.emit(Event("warning", message, data))
    if left:
        run.code = 1


def _run(run: Run, target: Target, report: Report, *, fresh: bool) -> None:
    """Runs the tests of `report` and tells each; `fresh` when the sandbox goes at the end."""
    from tc.testing.run import run as results

    for result in results(report.tests, target.aws, run.emit):
        report.results.append(result)
        hint = "" if result.ok else next_command(target, result, fresh=fresh)
        run.emit(Event("test.done", told(result, hint), {**result.data, "hint": hint}))


def told(result: Result, hint: str) -> str:
    """``PASS functions/a (0.12 s)``; of a failure what differs, where it failed, what to look
    at next."""
    head = f"{'PASS' if result.ok else 'FAIL'} {result.test.name} ({result.seconds:.2f} s)"
    if result.ok:
        return head
    lines = [f"{head}: {result.message}", *result.difference.splitlines(), *result.trace]
    return "\n".join([*lines, f"next: {hint}"])


def next_command(target: Target, result: Result, *, fresh: bool) -> str:
    """What tells more: the logs of the functions that a test is about, while they are there."""
    env = target.environment.name
    if fresh:
        return f"tc test --fresh --keep -e {env} -c {shlex.quote(result.test.name)}"
    there = f"-s {target.scope.sandbox} -e {env}"
    if result.missing:
        return f"tc create {there}"
    return f"tc logs {there}" + "".join(f" -c functions/{name}" for name in result.test.functions)


def _finish(run: Run, target: Target, report: Report) -> None:
    """The sum, and the exit code."""
    failed = [result for result in report.results if not result.ok]
    passed = len(report.results) - len(failed)
    seconds = run.seconds()
    counts = ", ".join(
        f"{count} {word}" for count, word in ((passed, "passed"), (len(failed), "failed")) if count
    )
    data = {"passed": passed, "failed": len(failed), "seconds": seconds}
    listed = [result.data for result in report.results]
    text = f"{counts} ({seconds:.1f} s)"
    run.emit(Event("tests", text, {**data, "sandbox": target.scope.sandbox, "tests": listed}))
    if failed:
        raise typer.Exit(1)
