"""``tc local``: the engine behind ``-e local``."""

from __future__ import annotations

import typer

from tc.cli import options

app = typer.Typer(
    name="local",
    help="The engine behind -e local; commands start it by themselves.",
    no_args_is_help=True,
)


@app.command("start")
def start(as_json: options.Json = False) -> None:
    """Start the engine, unless it runs."""
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.local import engine

        found = engine.ensure(run.emit)
        run.result(f"The local engine answers at {found.url}", url=found.url, pid=found.pid)


@app.command("stop")
def stop(as_json: options.Json = False) -> None:
    """Stop the engine; what it knows is kept."""
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.local import engine

        stopped = engine.stop(run.emit)
        text = "The local engine has stopped" if stopped else "The local engine wasn't running"
        run.result(text, stopped=stopped)


@app.command("status")
def status(as_json: options.Json = False) -> None:
    """Show whether the engine runs, where, and what it holds. Exits with 1 when it doesn't run."""
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from datetime import UTC, datetime

        from tc.cli.render import ago, human_bytes
        from tc.local.status import look

        found = look()
        held = f"state {human_bytes(found.state_bytes)} in {found.home}"
        if found.running:
            text = (
                f"running at {found.url} (pid {found.pid}, ministack {found.version}, "
                f"started {ago(datetime.fromtimestamp(found.since, UTC))}), {held}"
            )
        else:
            text = f"not running, {held}"
        if found.problem:
            text += f"\n{found.problem}"
        run.result(
            text,
            running=found.running,
            url=found.url,
            pid=found.pid,
            version=found.version,
            state_bytes=found.state_bytes,
            home=str(found.home),
            log=str(found.log),
            problem=found.problem,
        )
        if not found.running:
            raise typer.Exit(1)


@app.command("reset")
def reset(yes: options.Yes = False, as_json: options.Json = False) -> None:
    """Stop the engine and forget every sandbox it holds."""
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.cli.asking import ask
        from tc.local import engine

        question, no = "Forget every local sandbox?", "Nothing was forgotten"
        ask(run, question, yes=yes, doing="resetting the engine", no=no)
        engine.reset(run.emit)
        run.result("The local engine is empty", reset=True)
