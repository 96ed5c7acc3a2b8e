"""``python -m bench.record FILE ARGUMENT…``: runs tc and keeps its calls for the floor.

Writes a pickled list of (service, operation, parameters) as they were handed to
botocore. Only the recorded run goes this way; measured runs are the plain ``tc``.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient

from tc.cli.app import run


def main(file: Path, arguments: list[str]) -> int:
    calls: list[tuple[str, str, dict[str, Any]]] = []
    make = BaseClient._make_api_call

    def keep(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        calls.append((service, xform_name(operation), dict(parameters)))
        return make(client, operation, parameters)

    BaseClient._make_api_call = keep
    try:
        return run(arguments)
    finally:
        file.write_bytes(pickle.dumps(calls))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
