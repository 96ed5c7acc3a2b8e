"""botocore, set up: sessions and client settings. Import it only when AWS is needed.

Importing botocore costs 0.3 s of CPU, so `tc.aws.session` imports this module
when an `Aws` is opened, never before.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader
from botocore.session import Session

from tc import __version__
from tc.config import Environment

CONNECT_TIMEOUT = 10
READ_TIMEOUT = 70
#: a Lambda function may run for 15 minutes
LONG_READ_TIMEOUT = 910
#: attempts of a call that may be repeated; the local engine is there or it is not
ATTEMPTS = 8
LOCAL_ATTEMPTS = 2
#: the first call of a run tells soon whether AWS can be reached at all
FIRST_ATTEMPTS = 3

_AWS_HOST = re.compile(
    r"\.(amazonaws\.com(\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk|amazonaws\.eu)\Z"
)


class _QuickLoader(Loader):  # type: ignore[misc]
    """Reads botocore's service models without first looking into all of them.

    The inherited list opens 400 directories to name those that hold a model of
    the type: 19 ms, spent before the first call. A model that is missing is told
    by the load that follows.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        names: set[str] = set()
        for path in self.search_paths:
            if Path(path).is_dir():
                names.update(entry.name for entry in os.scandir(path))
        return sorted(names)


def new_session(environment: Environment) -> Any:
    """A botocore session with the environment's credentials, none of them fetched yet.

    A local one sees neither ``AWS_*`` variables nor ``~/.aws``.
    """
    if environment.local:
        session = Session(session_vars=_isolated())
        session.set_credentials("test", "test")
    else:
        session = Session(profile=environment.profile)
    session.user_agent_extra = f"tc/{__version__}"
    session.register_component("data_loader", _loader(session, environment.local))
    return session


def _loader(session: Any, local: bool) -> Loader:
    if local:
        return _QuickLoader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    paths = session.get_config_variable("data_path")
    return _QuickLoader(
        [str(Path(p).expanduser()) for p in paths.split(os.pathsep)] if paths else None
    )


def _isolated() -> dict[str, tuple[None, None, Any, Any]]:
    """Every variable of botocore with its default alone: no environment, no file."""
    variables = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        variables[file] = (None, None, os.devnull, None)
    return variables


def client_config(*, attempts: int, read_timeout: int, workers: int, local: bool) -> Config:
    settings: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": attempts},
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": read_timeout,
        "max_pool_connections": workers,
    }
    if local:
        settings["proxies"] = {}
    if read_timeout > READ_TIMEOUT:
        settings["tcp_keepalive"] = True
    return Config(**settings)


def is_aws(url: str) -> bool:
    """Whether an endpoint is AWS itself: not an emulator, not a proxy."""
    return bool(_AWS_HOST.search(urlsplit(url).hostname or ""))


def oidc_client(session: Any, region: str) -> Any:
    """A client of the SSO's token service; it needs no credentials."""
    config = Config(
        signature_version=UNSIGNED,
        retries={"mode": "standard", "total_max_attempts": FIRST_ATTEMPTS},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    )
    return session.create_client("sso-oidc", region_name=region, config=config)
