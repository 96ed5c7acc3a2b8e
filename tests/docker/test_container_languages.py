"""Packages of Node.js and Ruby, Go and Rust where a container has their tools."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docker_support import IMAGE, PLATFORM

from tc.build.container import engine
from tc.build.deps import node
from tc.build.tools import Tools
from tc.events import Event
from tc.processes import Running
from tc.spec.finding import Address
from tc.spec.function import Function

TOKEN = "npm_token-of-the-team"
#: stands for npm in an image without it: shows what npm would be told
NPM = """#!/bin/sh
mkdir -p node_modules/seen
cp "$NPM_CONFIG_USERCONFIG" node_modules/seen/npmrc
stat -f -c %T "$NPM_CONFIG_USERCONFIG" > node_modules/seen/where
echo "npm uses $(cat "$NPM_CONFIG_USERCONFIG")"

"""


def test_a_token_is_in_memory_alone(
    tmp_path: Path, told: list[Event], docker_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"tc-test-npm:{tmp_path.parent.name}"
    (tmp_path / "image").mkdir()
    (tmp_path / "image/npm").write_text(NPM)
    (tmp_path / "image/npm").chmod(0o755)
    (tmp_path / "image/Dockerfile").write_text(f"FROM {IMAGE}\nCOPY npm /usr/local/bin/npm\n")
    docker_client.images.build(path=str(tmp_path / "image"), tag=base, rm=True)
    platform = replace(PLATFORM, runtime="nodejs24.x")
    built_by = engine(
        {platform.runtime: base}, {platform.runtime: base}, tmp_path / "c", told.append, Running()
    )
    monkeypatch.setenv("TEAM_TOKEN", TOKEN)
    home = tmp_path / "app"
    home.mkdir()
    (home / "package.json").write_text(json.dumps({"dependencies": {"words": "^1"}}))
    (home / ".npmrc").write_text("//npm.example.com/:_authToken=${TEAM_TOKEN}\n")
    address = Address(home / "function.json")
    function = Function("app", home, address, platform.runtime, "handler.handler")
    needs = node.needs(function, platform)
    assert needs
    (tmp_path / "cache").mkdir(mode=0o700)
    tools = Tools(tmp_path / "cache", told.append, Running(), built_by, always=True)
    layer = tmp_path / "layer"
    layer.mkdir()
    try:
        node.install(needs, ["app"], platform, layer, tools)
    finally:
        docker_client.images.remove(base, force=True)
    seen = layer / "nodejs/node_modules/seen"
    assert TOKEN in (seen / "npmrc").read_text()
    assert (seen / "where").read_text().strip() == "tmpfs"
    assert any("npm uses //npm.example.com/:_authToken=***" in event.text for event in told)
    assert TOKEN not in "".join(event.text for event in told)
    grep = ["grep", "-rl", TOKEN, str(tmp_path / "cache"), str(tmp_path / "c")]
    assert subprocess.run(grep, capture_output=True, text=True).stdout == ""
