"""The scope that a command line means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tc import __version__
from tc.config.actor import actor
from tc.spec.scope import Scope, Store

if TYPE_CHECKING:
    from tc.config import Config, Environment
    from tc.spec.spec import Spec


def scope_of(
    spec: Spec,
    sandbox: str | None,
    environment: Environment | None,
    config: Config | None,
    region: str | None,
) -> Scope:
    """The scope of `spec`; what isn't known yet stays its own template."""
    from tc.load.find import git_root

    unknown = Scope(namespace=spec.name)
    local = environment is not None and environment.local
    return Scope(
        namespace=spec.name,
        sandbox=sandbox or unknown.sandbox,
        env=environment.name if environment else unknown.env,
        account="000000000000"
        if local
        else _or(environment.account if environment else None, "account"),
        region=region
        or ("us-east-1" if local else _or(environment.region if environment else None, "region")),
        version=spec.version or unknown.version,
        repo=(git_root(spec.dir) or spec.dir).name,
        local=local,
        stable=sandbox in (config.stable if config else ()),
        keep=config.versions.keep if config else unknown.keep,
        tags={**(config.tags if config else {}), **spec.tags},
        updated_by=actor(),
        tc_version=__version__,
        role_prefix=config.roles.path_prefix if config else "",
        role_boundary=config.roles.boundary if config else "",
        store=store_of(environment, config),
    )


def store_of(environment: Environment | None, config: Config | None) -> Store:
    """The file system for assets that config.yml names for `environment`."""
    if environment is None or config is None:
        return Store()
    said = config.file_system(environment.name)
    return Store(said.access_point, said.mount_point, said.subnets, said.security_groups)


def _or(known: str | None, name: str) -> str:
    return known or f"{{{{{name}}}}}"
