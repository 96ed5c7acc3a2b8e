"""``tc resolve``"""

from __future__ import annotations

import json

from tc.cli import options


def resolve(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Show exactly what would be deployed, as JSON."""
    from tc.cli.run import open_target, running

    with running(as_json=as_json, document=True) as run:
        from tc.cli.change import image_finder, packager, shown, site_reader
        from tc.cli.layers import layer_source
        from tc.deploy.pipeline import resolved

        target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        resources = resolved(
            target.topology,
            target.aws,
            packager(run, target),
            run.emit,
            site_reader(run),
            image_finder(run, target),
            layer_source(run, target, write=False),
        )
        things = [
            {
                "kind": resource.kind,
                "name": resource.name,
                "key": resource.key,
                "needs": list(resource.needs),
                "props": {path: shown(path, value) for path, value in resource.props.items()},
            }
            for resource in resources
        ]
        text = json.dumps(things, indent=2, ensure_ascii=False, default=str)
        run.result(text, resources=json.loads(text))
