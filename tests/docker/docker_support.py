"""What the tests in containers share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from tc.spec.layer import Platform

#: an image of Debian with Python 3.11 and gcc, in which things are built; empty for none
IMAGE = os.environ.get("TC_TEST_IMAGE", "")
PLATFORM = Platform("python3.11", "x86_64")


def containers(client: Any) -> set[str]:
    """Those that builds have left or are using."""
    found = client.api.containers(all=True, filters={"label": "tc=build"})
    return {one["Id"] for one in found}


def wait_for(probe: Callable[[], Any], seconds: float = 20) -> Any:
    """What `probe` says, once it says something."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found
