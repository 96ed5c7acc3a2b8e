from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e_support import Lab
from hooks_support import hooked, own_hooked

__all__ = ["hooked", "lab", "own_hooked"]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("e2e"))
    made.start()
    yield made
    made.stop()
