"""``tc compose``"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.config import Config
    from tc.spec.topology import Topology

_POLICIES = ("deployer-policy", "reader-policy", "publisher-policy")


class Format(StrEnum):
    """How a composed topology is written."""

    tree = "tree"
    json = "json"
    yaml = "yaml"
    mermaid = "mermaid"
    dot = "dot"
    asl = "asl"


def compose(
    form: Annotated[
        Format, typer.Option("-f", "--format", help="How to write it.", show_default=True)
    ] = Format.tree,
    components: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--component",
            help="Only roles, or one of them (roles/enhancer): what each may do and because of "
            "what; may be repeated. Or deployer-policy: what IAM must allow to whoever deploys "
            "the topology, reader-policy: to whoever only looks at it, or publisher-policy: to "
            "whoever keeps its layers and versions for other accounts; /1, /2, … is a part that "
            "fits in a managed policy. [default: everything]",
        ),
    ] = None,
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    service: options.Service = None,
    region: options.Region = None,
) -> None:
    """Show what the topology here means.

    Entities, edges, names, flows, permissions. Works offline; without -s and -e,
    names keep their templates.
    """
    from tc.cli.run import read_topology, running

    with running(document=True) as run:
        from tc.config import choose_env, choose_sandbox, read_config

        config = read_config(Path.cwd())
        environment = choose_env(env, config) if env else None
        name = choose_sandbox(sandbox) if sandbox else None
        _, topology = read_topology(run, service, name, environment, config, region)
        if _is_policy(components or []):
            whole = _statements(topology, (components or [])[0].partition("/")[0], config, env)
            run.result(_policy(topology, form.value, (components or [])[0], whole, run))
            return
        run.result(_written(topology, form.value, components or []))


def _written(topology: Topology, form: str, components: list[str]) -> str:
    from tc.compose import formats

    if components:
        return formats.write_roles(topology, form, components)
    return formats.write(topology, form)


def _is_policy(components: list[str]) -> bool:
    """Whether a policy is asked for, which is written alone."""
    from tc.errors import UsageError

    policies = [name for name in components if name.partition("/")[0] in _POLICIES]
    if policies and len(components) > 1:
        raise UsageError(f"`{policies[0]}` is written alone", hint="keep one -c")
    return bool(policies)


def _statements(
    topology: Topology, name: str, config: Config, env: str | None
) -> list[dict[str, Any]]:
    """What the policy `name` allows; layers are the deployer's business where he has them."""
    from tc.build.wanted import wanted
    from tc.deploy import deployer

    parts = topology.family()
    owned = [(part.scope.namespace, one) for part in parts for one in part.functions.values()]
    owned += [(part.scope.namespace, one) for part in parts for one in part.libraries.values()]
    layers, bucket = [one.name for one in wanted(owned)], config.artifacts.bucket
    if name == "publisher-policy":
        return deployer.publishing(topology, bucket=bucket, layers=layers)
    apart = config.layers.env not in ("", env)
    writes = name == "deployer-policy"
    return deployer.statements(topology, bucket=bucket, layers=layers, apart=apart, writes=writes)


def _policy(
    topology: Topology, form: str, component: str, whole: list[dict[str, Any]], run: Run
) -> str:
    """The policy that `component` means (``deployer-policy``, ``reader-policy/2``), as `form`."""
    from tc.compose import formats
    from tc.deploy import deployer
    from tc.errors import UsageError

    if form not in ("tree", "json", "yaml"):
        raise UsageError(f"a policy can't be written as {form}", hint="add -f tree, json or yaml")
    name, slash, number = component.partition("/")
    parts = deployer.split(whole)
    if slash:
        numbers = {str(place): part for place, part in enumerate(parts, 1)}
        if number not in numbers:
            hint = f"there are {', '.join(f'{name}/{one}' for one in numbers)}"
            raise UsageError(f"`{component}` is no part of the policy", hint=hint)
        whole = numbers[number]
    elif len(parts) > 1:
        named = ", ".join(f"{name}/{place}" for place in range(1, len(parts) + 1))
        run.log(
            f"{deployer.size(whole):,} characters, and a managed policy takes "
            f"{deployer.POLICY_LIMIT:,}: -c {named} are parts that fit"
        )
    if form == "tree":
        return formats.write_policy(f"{name} of {topology.name}", whole)
    return formats.dumped(deployer.document(whole), form)
