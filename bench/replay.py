"""The floor: a bare boto3 script. ``python replay.py FILE PROFILE`` makes the calls in FILE.

One client for each service, one pool of threads, and nothing else: what a person
would write who knows beforehand every call and every parameter.
"""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

WORKERS = 16


def main(file: Path, profile: str) -> None:
    calls = pickle.loads(file.read_bytes())
    session = boto3.Session(profile_name=profile)
    config = Config(max_pool_connections=WORKERS)
    services = dict.fromkeys(service for service, _, _ in calls)
    clients = {service: session.client(service, config=config) for service in services}

    def make(call: tuple[str, str, dict[str, Any]]) -> None:
        service, operation, parameters = call
        with suppress(ClientError):  # "there is no such function" is an answer to tc's question too
            getattr(clients[service], operation)(**parameters)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(make, calls))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
