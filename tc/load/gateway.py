"""routes.json in a topology's overlays."""

from __future__ import annotations

from pathlib import Path

from tc.load.reader import Reader
from tc.load.text import exists
from tc.load.validate import validate
from tc.spec.finding import Address
from tc.spec.gateway import RoutesFile

ROUTES_FILE = "routes.json"


def read_routes_file(base: Path | None, reader: Reader) -> RoutesFile | None:
    """What routes.json in the overlays' directory `base` says; None where there is none."""
    file = base / ROUTES_FILE if base else None
    if file is None or not exists(file):
        return None
    data = reader.read_mapping(file, ROUTES_FILE)
    if data is None:
        return None
    checked = validate(RoutesFile, data, Address(file), ROUTES_FILE)
    reader.findings += checked.findings
    return checked.model
