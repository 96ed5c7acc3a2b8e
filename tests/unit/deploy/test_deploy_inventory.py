"""What `tc list` says of a sandbox whose things are of several versions."""

from __future__ import annotations

from dataclasses import replace

from composing import Directory
from deploying import create
from fake_aws import FakeAws

from tc.deploy.inventory import sandboxes

TEXT = "name: etl\nfunctions: { one: {}, two: {} }\n"


def test_the_newest_version_is_told(directory: Directory) -> None:
    aws = FakeAws()
    topology = directory.write(TEXT, "one two").topology()
    for version in ("0.9.0", "0.10.0"):
        changed = replace(topology, scope=replace(topology.scope, version=version))
        name = "one" if version == "0.9.0" else "two"
        assert create(aws, changed, f"functions/{name}").ok
    (box,) = sandboxes(aws)
    assert (box.version, box.functions) == ("0.10.0", 2)
