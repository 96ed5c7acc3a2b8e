"""``tc snapshot``"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.config import Config, Environment
    from tc.deploy.inventory import Sandbox
    from tc.deploy.releases import Record
    from tc.spec.snapshot import Running


def snapshot(
    env: Annotated[
        list[str] | None,
        typer.Option(
            "-e",
            "--env",
            help="An AWS profile, an entry of config.yml, or local. May be repeated. "
            "[default: as of other commands]",
        ),
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", help="Only this topology. [default: all]")
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option("-s", "--sandbox", help="Only this sandbox. [default: the stable ones]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write it, for deploy --snapshot."),
    ] = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Tell which version of which topology runs where.

    What `tc deploy`, `promote` and `rollback` brought to the sandboxes, the latest of each, and
    when and by whom; of sandboxes that were made otherwise what their tags say.
    """
    from tc.cli.run import running

    with running(as_json=as_json, document=True) as run:
        from tc.config import check_region, choose_env, read_config

        config = read_config(Path.cwd())
        check_region(region)
        names: list[str | None] = list(dict.fromkeys(env or ())) or [None]
        environments = [choose_env(name, config) for name in names]
        found = [
            one
            for environment in environments
            for one in taken(run, config, environment, region, service, sandbox)
        ]
        _show(run, found, [one.name for one in environments], output)


def taken(
    run: Run,
    config: Config,
    environment: Environment,
    region: str | None,
    service: str | None,
    sandbox: str | None,
) -> list[Running]:
    """What runs in an env, by topology and sandbox."""
    from tc.cli.run import open_aws
    from tc.deploy import releases
    from tc.deploy.inventory import sandboxes
    from tc.publish.bucket import Bucket
    from tc.spec.snapshot import Running

    aws, environment = open_aws(run, environment, region)
    bucket = Bucket(aws, config.artifacts.bucket)
    kept = releases.everything(bucket)
    last = {key: releases.running(records) for key, records in kept.items()}
    boxes = [
        box
        for box in sandboxes(aws, config.roles.path_prefix)
        if service in (None, box.namespace)
        if (box.sandbox == sandbox if sandbox else _is_stable(config, box, last))
    ]

    def running(box: Sandbox) -> Running:
        record = last.get((box.namespace, box.sandbox))
        said = releases.told(bucket, record) if record else None
        since = said.at if said else box.since
        return Running(
            topology=box.namespace,
            sandbox=box.sandbox,
            env=environment.name,
            version=said.version if said else box.version,
            commit=said.commit if said else "",
            since=since.strftime("%Y-%m-%dT%H:%M:%SZ") if since else "",
            by=said.by if said else box.updated_by,
        )

    return aws.map(running, boxes)


def _is_stable(config: Config, box: Sandbox, last: Mapping[tuple[str, str], Record | None]) -> bool:
    """Whether it is one that versions are deployed to."""
    return box.sandbox in config.stable or (box.namespace, box.sandbox) in last


def _show(run: Run, found: list[Running], envs: list[str], output: Path | None) -> None:
    from datetime import UTC, datetime

    from tc.errors import TcError
    from tc.events import Event
    from tc.spec.snapshot import FORMAT, Snapshot

    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole = Snapshot(format=FORMAT, at=at, running=tuple(found))
    if output:
        try:
            output.write_text(whole.text())
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise TcError(f"the snapshot can't be written: {why}", where=str(output)) from None
    rows = [
        [
            one.topology,
            one.sandbox,
            one.env,
            one.version,
            one.commit[:7],
            one.since.replace("T", " ").rstrip("Z"),
            one.by,
        ]
        for one in found
    ]
    data = whole.model_dump(mode="json")
    if not rows:
        run.result(f"Nothing was deployed in {', '.join(envs)}", **data)
        return
    columns = ["topology", "sandbox", "env", "version", "commit", "since", "by"]
    run.emit(Event("table", "", {"columns": columns, "rows": rows, **data}))
