"""``tc list``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run


def list_(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """List the sandboxes of the account, or the things of one.

    With -s, everything that the sandbox owns, with its address: of the topology
    here, or of every topology where none is here.
    """
    from tc.cli.run import running

    with running(as_json=as_json, document=True) as run:
        if sandbox:
            _things(run, sandbox, env, service, region)
        else:
            _sandboxes(run, env, region)


def _sandboxes(run: Run, env: str | None, region: str | None) -> None:
    from tc.cli.render import ago
    from tc.cli.run import open_aws
    from tc.config import choose_env, read_config
    from tc.deploy.inventory import sandboxes

    config = read_config(Path.cwd())
    environment = choose_env(env, config)
    aws, _ = open_aws(run, environment, region)
    boxes = sandboxes(aws, config.roles.path_prefix)
    frozen = any(box.frozen_by for box in boxes)
    rows = [
        [
            box.namespace,
            box.sandbox,
            box.version,
            box.updated_by,
            ago(box.since) if box.since else "",
            str(box.functions),
            str(box.things),
            *([box.frozen_by] if frozen else []),
        ]
        for box in boxes
    ]
    if not rows:
        run.result(f"There is no sandbox in {environment.name}", columns=[], rows=[])
        return
    columns = ["topology", "sandbox", "version", "updated_by", "created", "functions", "things"]
    _table(run, [*columns, "frozen_by"] if frozen else columns, rows)


def _things(
    run: Run, sandbox: str, env: str | None, service: str | None, region: str | None
) -> None:
    from tc.cli.run import open_target
    from tc.deploy.inventory import things
    from tc.errors import UsageError
    from tc.load.load import find_topology

    if not service:
        try:
            find_topology(Path.cwd())
        except UsageError:
            _things_anywhere(run, sandbox, env, region)
            return
    target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
    rows = [
        [thing.kind, thing.title, thing.version, thing.since, thing.address]
        for thing in things(target.topology, target.aws)
    ]
    if not rows:
        where = f"{target.scope.namespace}@{sandbox}"
        text = f"{where} has nothing in {target.environment.name}"
        run.result(text, columns=[], rows=[])
        return
    _table(run, ["kind", "name", "version", "changed", "address"], rows)


def _things_anywhere(run: Run, sandbox: str, env: str | None, region: str | None) -> None:
    """Where no topology is: the sandboxes of this name of all of them."""
    from tc.cli.run import open_aws
    from tc.config import check_region, choose_env, choose_sandbox, read_config
    from tc.deploy.inventory import things_called

    config = read_config(Path.cwd())
    environment = choose_env(env, config)
    check_region(region)
    aws, environment = open_aws(run, environment, region)
    rows = [
        [thing.owner.partition("@")[0], thing.kind, thing.title, thing.version, thing.address]
        for thing in things_called(choose_sandbox(sandbox), aws, config.roles.path_prefix)
    ]
    if not rows:
        text = f"there is no sandbox {sandbox} in {environment.name}"
        run.result(text, columns=[], rows=[])
        return
    _table(run, ["topology", "kind", "name", "version", "address"], rows)


def _table(run: Run, columns: list[str], rows: list[list[Any]]) -> None:
    from tc.events import Event

    run.emit(Event("table", "", {"columns": columns, "rows": rows}))
