"""Variables with the addresses of the sandbox's own things."""

from __future__ import annotations

from composing import Directory, codes

from tc.spec.addresses import ThingAddress, parse_address, split_addresses
from tc.spec.topology import Edge

TOPOLOGY = """
name: etl
functions:
  one: {runtime: {environment: {OTHER: '%s'}}}
routes: {/api/etl: {function: two}}
events: {Done: {function: two, bus: things}}
"""


def statements(directory: Directory) -> list[str]:
    roles = {role.name: role for role in directory.topology().roles}
    return [
        f"{statement.because}: {', '.join(statement.actions)} {statement.resources[0]}"
        for statement in roles["one"].statements[1:]
    ]


def test_a_name_is_split_at_its_first_and_last_dot() -> None:
    assert parse_address("queues.jobs.url") == ThingAddress(
        "queue", "jobs", "url", "queues.jobs.url"
    )
    assert parse_address("routes./api/v1.2/etl.url") == ThingAddress(
        "route", "/api/v1.2/etl", "url", "routes./api/v1.2/etl.url"
    )
    assert parse_address("API_GATEWAY_URL") == ThingAddress("api", "", "url", "API_GATEWAY_URL")
    assert parse_address("flow.arn") == ThingAddress("flow", "", "arn", "flow.arn")
    assert parse_address("sandbox") is None
    assert parse_address("things.jobs.url") is None


def test_text_around_addresses_stays() -> None:
    parts = split_addresses("a{{queues.q.url}}b{{sandbox}}c{{ queues.q.arn }}")
    assert [part if isinstance(part, str) else part.text for part in parts] == [
        "a",
        "queues.q.url",
        "b{{sandbox}}c",
        "queues.q.arn",
    ]


def test_a_function_with_the_address_of_another_may_invoke_it(directory: Directory) -> None:
    directory.write(TOPOLOGY % "{{functions.two.arn}}", "one two")
    assert Edge(("function", "one"), ("function", "two"), "uses") in directory.topology().edges
    assert statements(directory) == [
        (
            "a variable with the address of function two: lambda:InvokeFunction "
            "arn:aws:lambda:eu-west-1:111122223333:function:etl_two_bob"
        )
    ]


def test_a_function_with_the_bus_of_an_event_may_put_events_there(directory: Directory) -> None:
    directory.write(TOPOLOGY % "{{events.Done.bus}}", "one two")
    assert statements(directory) == [
        (
            "a variable with the address of event Done: events:PutEvents "
            "arn:aws:events:eu-west-1:111122223333:event-bus/things"
        )
    ]


def test_anybody_may_call_a_route(directory: Directory) -> None:
    directory.write(TOPOLOGY % "{{routes./api/etl.url}}", "one two")
    assert statements(directory) == []


def test_an_address_of_nothing_is_told_with_what_there_is(directory: Directory) -> None:
    directory.write(TOPOLOGY % "{{routes./api/elt.url}}", "one two")
    [finding] = directory.findings()
    assert finding.code == "unknown-name"
    assert finding.hint == "did you mean `/api/etl`?"
    assert finding.address.path[-1] == "OTHER"


def test_an_attribute_that_nobody_tells_is_an_error(directory: Directory) -> None:
    directory.write(TOPOLOGY % "{{routes./api/etl.uri}}", "one two")
    [finding] = directory.findings()
    assert (finding.code, finding.hint) == ("unknown-template", "did you mean `url`?")


def test_an_overlay_may_hold_addresses(directory: Directory) -> None:
    overlay = '{"default": {"environment": {"WHERE": "{{functions.two.name}}"}}}'
    directory.write(TOPOLOGY % "x", "one two", {"infrastructure/tc/etl/vars/one.json": overlay})
    assert [s.split(":")[0] for s in statements(directory)] == [
        "a variable with the address of function two"
    ]


def test_only_variables_hold_addresses(directory: Directory) -> None:
    from tc.components import sections
    from tc.load.load import load

    directory.write("name: etl\ntags: {x: '{{functions.two.name}}'}\n", "two")
    [finding] = load(directory.root, sections()).findings
    assert codes([finding]) == ["unknown-template"]
    assert "only variables" in finding.message
