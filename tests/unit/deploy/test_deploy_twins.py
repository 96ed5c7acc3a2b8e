"""Two things of the topology that AWS would have only one of."""

from __future__ import annotations

from composing import Directory
from every_kind import FILES, text

from tc.deploy.twins import twins


def test_two_ways_to_the_same_queue_are_told(directory: Directory) -> None:
    topology = directory.write(
        "name: etl\nqueues: {X: {dlq: true}}\nevents: {X: {function: a, dlq: true}}", "a"
    ).topology()
    [finding] = twins(topology)
    assert finding.code == "duplicate-name"
    assert finding.message == "two things would be the queue `etl_X-dlq_bob`"
    assert finding.address.path[:2] == ("events", "X")


def test_a_gateway_of_two_topologies_is_one_thing(directory: Directory) -> None:
    below = "name: b\nroutes: {/b: {gateway: api-test, function: y}}"
    handler = "def handler(event, context): pass\n"
    directory.write(
        "name: a\nrecursive: true\nroutes: {/a: {gateway: api-test, function: x}}",
        "x",
        {"b/topology.yml": below, "b/y/handler.py": handler},
    )
    assert list(twins(directory.topology())) == []


def test_a_bus_of_two_topologies_is_one_thing(directory: Directory) -> None:
    puts = "functions: {%s: {event: Done}}\nevents: {produces: {Done: {bus: orders}}}\n"
    handler = "def handler(event, context): pass\n"
    directory.write(
        "name: a\nrecursive: true\n" + puts % "x",
        "x",
        {"b/topology.yml": "name: b\n" + puts % "y", "b/y/handler.py": handler},
    )
    assert list(twins(directory.topology())) == []


def test_every_kind_has_a_place_of_its_own(directory: Directory) -> None:
    names = ("a", "b", "c")
    directory.write(text("etl", names), "a b c", FILES)
    assert list(twins(directory.composed().topology)) == []
