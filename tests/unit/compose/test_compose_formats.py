"""``tc compose -f``: the whole output, the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from composing import Directory
from syrupy.assertion import SnapshotAssertion

from tc.compose.formats import data, write
from tc.errors import TcError

TEXT = """
name: etl
version: 1.2.3
tags: {team: data}
recursive: true
functions:
  enhancer:
    function: transformer
    runtime: {memory: 256, environment: {STAGE: '{{sandbox}}', EE: 1, DD: 2, CC: 3}}
  transformer: {functions: [loader, auditor]}
  loader: {event: Done}
routes:
  /api/etl: {function: enhancer}
  items: {method: GET, path: '/items/{id}', function: reader}
  'PUT /say': {event: Done, async: true, doc_only: true}
events:
  Done: {producers: [default], function: reader}
  'Said "so" – yes': {doc_only: true}
"""
BELOW = "name: below\nroutes: {/x: {function: deep}}\n"
FUNCTIONS = "enhancer transformer loader auditor reader"
FILES = {"sub/topology.yml": BELOW, "sub/deep/handler.py": "x = 1\n"}
FORMS = ["tree", "json", "yaml", "mermaid", "dot", "asl"]


@pytest.mark.parametrize("form", FORMS)
def test_output(directory: Directory, form: str, snapshot: SnapshotAssertion) -> None:
    topology = directory.write(TEXT, FUNCTIONS, FILES).composed().topology
    text = write(topology, form)
    assert text == write(topology, form)
    assert not text.endswith("\n")
    assert text == snapshot


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from composing import Directory
from tc.compose.formats import write
topology = Directory(Path(sys.argv[1])).composed().topology
for form in sys.argv[3:]:
    print(write(topology, form))
"""


def test_the_same_bytes_whatever_the_hash_seed(directory: Directory) -> None:
    directory.write(TEXT, FUNCTIONS, FILES)
    here = str(Path(__file__).parent)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(directory.root), here, *FORMS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 2000


def test_json_and_yaml_are_the_same_data(directory: Directory) -> None:
    topology = directory.write(TEXT, FUNCTIONS, FILES).composed().topology
    assert json.loads(write(topology, "json")) == yaml.safe_load(write(topology, "yaml"))
    assert json.loads(write(topology, "json")) == data(topology)


def test_one_flow_is_given_as_it_is_and_none_is_an_error(directory: Directory) -> None:
    text = "name: etl\nflow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
    one = directory.write(text).composed().topology
    assert json.loads(write(one, "asl")) == {"StartAt": "s", "States": {"s": {"Type": "Succeed"}}}
    with pytest.raises(TcError, match="etl has no flow"):
        write(directory.write("name: etl\n").composed().topology, "asl")


@pytest.mark.parametrize("form", FORMS[:-1])
def test_an_empty_topology_can_be_shown(directory: Directory, form: str) -> None:
    assert "empty" in write(directory.write("name: empty\n").composed().topology, form)


def test_a_flow_s_events_are_in_the_picture(directory: Directory) -> None:
    topology = directory.write(TEXT, FUNCTIONS, FILES).composed().topology
    edges = {(edge.source, edge.target) for edge in topology.edges}
    assert (("flow", "enhancer"), ("event", "Done")) in edges
