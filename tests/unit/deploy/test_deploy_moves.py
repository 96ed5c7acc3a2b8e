"""Things that are renamed, moved, replaced or cut off half-way, and what the next run does."""

from __future__ import annotations

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

from tc.plan.ownership import Conflict

ONE = "name: etl\nroutes: {/a: {function: one}}\n"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def moved(directory: Directory, aws: FakeAws, before: str, after: str, *components: str) -> None:
    """From `before` to `after` and back, each in one run with nothing left to do."""
    functions = "one two"
    assert failures(create(aws, directory.write(before, functions).topology())) == []
    for text in (after, before):
        topology = directory.write(text).topology()
        assert failures(create(aws, topology, *components)) == []
        settled(aws, topology)
        assert all(len(a["routes"]) == len(a["integrations"]) for a in aws.http_apis.values())
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_a_route_that_is_renamed_keeps_its_place(directory: Directory, aws: FakeAws) -> None:
    moved(
        directory,
        aws,
        "name: etl\nroutes: {x: {path: /a, function: one}}\n",
        "name: etl\nroutes: {y: {path: /a, function: one}}\n",
    )


def test_routes_that_swap_their_paths(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nroutes:\n  x: {path: /%s, function: one}\n  y: {path: /%s, function: two}\n"
    moved(directory, aws, text % ("a", "b"), text % ("b", "a"))


def test_routes_that_move_up_one_after_the_other(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nroutes:\n  x: {path: /%s, function: one}\n  y: {path: /%s, function: two}\n"
    moved(directory, aws, text % ("a", "b"), text % ("b", "c"))


def test_a_route_that_is_renamed_on_a_shared_gateway(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nroutes: {%s: {path: /a, gateway: shared, function: one}}\n"
    moved(directory, aws, text % "x", text % "y")


def test_a_route_from_the_own_api_to_a_gateway(directory: Directory, aws: FakeAws) -> None:
    moved(directory, aws, ONE, "name: etl\nroutes: {/a: {gateway: shared, function: one}}\n")


def test_http_to_rest_and_back(directory: Directory, aws: FakeAws) -> None:
    moved(directory, aws, ONE, "name: etl\nroutes: {/a: {function: one, async: true}}\n")


@pytest.mark.parametrize("first", ["false", "true"])
def test_one_selected_route_that_turns_the_api_over_takes_the_others_along(
    directory: Directory, aws: FakeAws, first: str
) -> None:
    text = "name: etl\nfunctions: {one: {runtime: {timeout: 5}}}\n"
    text += "routes:\n  /a: {function: one, async: %s}\n  /b: {function: two}\n"
    create(aws, directory.write(text % first, "one two").topology())
    topology = directory.write(text % {"true": "false", "false": "true"}[first]).topology()
    steps = work(plan(aws, topology, "routes//a"))
    assert [step.split(":")[0] for step in steps] == [
        "+ route /a",
        "+ route /b",
        "± api etl_bob",
        "± permission etl_one_bob for api etl_bob",
        "± permission etl_two_bob for api etl_bob",
    ]
    assert failures(create(aws, topology, "routes//a")) == []
    settled(aws, topology)


def test_a_target_that_changes_its_kind(directory: Directory, aws: FakeAws) -> None:
    flow = "flow: {StartAt: s, States: {s: {Type: Succeed}}}\nevents: {Done: {}}\n"
    text = "name: etl\n" + flow + "routes: {/a: {%s}}\n"
    moved(directory, aws, text % "state: etl, async: true", text % "event: Done")
    moved(directory, aws, text % "function: one", text % "event: Done")


def test_a_function_that_goes_while_its_flow_changes(directory: Directory, aws: FakeAws) -> None:
    both = "name: etl\nfunctions: {one: {function: two}, two: {event: Done}}\nevents: {Done: {}}\n"
    create(aws, directory.write(both, "one two").topology())
    only = directory.write("name: etl\nfunctions: {one: {event: Done}}\nevents: {Done: {}}\n")
    for path in sorted((directory.root / "two").iterdir()):
        path.unlink()
    (directory.root / "two").rmdir()
    topology = only.topology()
    aws.forget()
    assert failures(create(aws, topology)) == []
    order = [name for name, _ in aws.calls]
    flow = order.index("stepfunctions.update_state_machine")
    function, role = order.index("lambda.delete_function"), order.index("iam.delete_role")
    assert flow < function < role
    settled(aws, topology)


def test_a_flow_whose_mode_changes_is_made_anew(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nmode: %s\nflow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
    text += "logging: {level: ERROR}\nevents: {Start: {state: etl}}\n"
    moved(directory, aws, text % "Standard", text % "Express", "flow")


def test_the_last_route_of_an_api_takes_the_api_with_it(directory: Directory, aws: FakeAws) -> None:
    for asynchronous in ("true", "false"):
        text = f"name: etl\nroutes: {{/a: {{function: one, async: {asynchronous}}}}}\n"
        topology = directory.write(text, "one").topology()
        create(aws, topology)
        assert delete(aws, topology, "routes//a").ok
        assert not aws.rest_apis
        assert not aws.http_apis
        assert failures(create(aws, topology)) == []
        settled(aws, topology)
        delete(aws, topology)


def test_one_of_two_routes_is_deleted(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nroutes:\n  /a: {function: one, async: true}\n  /b: {function: two}\n"
    topology = directory.write(text, "one two").topology()
    create(aws, topology)
    delete(aws, topology, "routes//a")
    (api,) = aws.rest_apis.values()
    assert list(api["answers"]) == ["/b"]
    assert work(plan(aws, topology)) == ["+ route /a"]


def test_another_s_route_on_a_shared_gateway_stops_the_run(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: %s\nroutes: {/a: {gateway: shared, function: one}}\n"
    create(aws, directory.write(text % "etl", "one").topology(sandbox="stable"))
    other = directory.write(text % "other").topology(sandbox="stable")
    aws.forget()
    with pytest.raises(Conflict, match="it belongs to etl@stable"):
        plan(aws, other)
    assert aws.writes() == []
    assert failures(create(aws, other, adopt=True)) == []
    settled(aws, other)


def test_two_nested_topologies_on_one_gateway(directory: Directory, aws: FakeAws) -> None:
    text = "name: %s\nroutes: {%s: {path: /%s, gateway: shared, function: %s}}\n"
    directory.write(
        "recursive: true\n" + text % ("up", "x", "a", "one"),
        "one",
        {"down/topology.yml": text % ("down", "y", "b", "two"), "down/two/handler.py": "x = 1\n"},
    )
    topology = directory.topology()
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
    renamed = {"down/topology.yml": text % ("down", "z", "b", "two")}
    topology = directory.write(
        "recursive: true\n" + text % ("up", "w", "a", "one"), files=renamed
    ).topology()
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_a_gateway_that_tc_made_goes_with_the_last_route_on_it(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: etl\nroutes: {/a: {gateway: shared, function: one}}\n"
    directory.write(text, "one")
    for sandbox in ("alice", "bob"):
        assert create(aws, directory.topology(sandbox=sandbox)).ok
    (api,) = aws.http_apis.values()
    assert sorted(r["RouteKey"] for r in api["routes"].values()) == ["POST /alice/a", "POST /bob/a"]
    assert delete(aws, directory.topology(sandbox="bob")).ok
    assert [r["RouteKey"] for r in api["routes"].values()] == ["POST /alice/a"]
    settled(aws, directory.topology(sandbox="alice"))
    assert delete(aws, directory.topology(sandbox="alice")).ok
    assert aws.is_empty()


def test_a_gateway_that_tc_did_not_make_stays(directory: Directory, aws: FakeAws) -> None:
    api = aws.apigatewayv2_create_api("shared", "HTTP", {})
    aws.apigatewayv2_create_stage(api["ApiId"], "$default", True)
    topology = directory.write(
        "name: etl\nroutes: {/a: {gateway: shared, function: one}}\n", "one"
    ).topology()
    create(aws, topology)
    assert delete(aws, topology).ok
    assert list(aws.http_apis) == [api["ApiId"]]
    assert api["routes"] == {}
    assert api["integrations"] == {}


def test_another_sandbox_s_own_api_is_no_gateway(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(ONE, "one").topology(sandbox="alice"))
    (own,) = aws.http_apis.values()
    text = "name: etl\nroutes: {/b: {gateway: etl_alice, function: one}}\n"
    topology = directory.write(text).topology()
    assert failures(create(aws, topology)) == []
    assert [route["RouteKey"] for route in own["routes"].values()] == ["POST /a"]
    settled(aws, topology)


def test_a_route_that_somebody_made_by_hand_stays_until_it_is_adopted(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: etl\nroutes: {%s: {gateway: shared, function: one}}\n"
    topology = directory.write(text % "/a", "one").topology()
    create(aws, topology)
    (api,) = aws.http_apis.values()
    (integration,) = api["integrations"].values()
    del integration["Description"]
    other = directory.write(text % "/b").topology()
    assert failures(create(aws, other)) == []
    assert len(api["routes"]) == 2
    with pytest.raises(Conflict, match="it has no mark of tc"):
        plan(aws, topology)
    assert failures(create(aws, topology, adopt=True)) == []
    settled(aws, topology)
    assert integration["Description"] == "etl@bob /a"


def test_a_gateway_that_does_not_deploy_by_itself_is_told_to(
    directory: Directory, aws: FakeAws
) -> None:
    number = aws.apigatewayv2_create_api("shared", "HTTP", {})["ApiId"]
    aws.apigatewayv2_create_stage(number, "prod", False)
    text = "name: etl\nroutes: {/a: {gateway: shared, function: one, timeout: %d}}\n"

    def answers() -> list[str]:
        return aws.http_apis[number]["stages"]["prod"].get("answers", [])

    create(aws, directory.write(text % 5, "one").topology())
    assert answers() == ["POST /bob/a"]
    aws.forget()
    topology = directory.write(text % 6).topology()
    create(aws, topology)
    assert aws.names()["apigatewayv2.create_deployment"] == 1
    delete(aws, topology)
    assert answers() == []


def test_an_event_that_moves_to_another_bus(directory: Directory, aws: FakeAws) -> None:
    aws.buses["orders"] = {}
    text = "name: etl\nevents: {E: {bus: %s, functions: [one, two]}}\n"
    moved(directory, aws, text % "orders", text % "default")


def test_two_gateways_of_one_name_are_an_error(directory: Directory, aws: FakeAws) -> None:
    for _ in range(2):
        aws.apigatewayv2_create_api("shared", "HTTP", {})
    topology = directory.write(
        "name: etl\nroutes: {/a: {gateway: shared, function: one}}\n", "one"
    ).topology()
    with pytest.raises(Exception, match="there are 2 APIs named shared"):
        plan(aws, topology)


def test_a_partners_bus_that_is_not_there_fails_its_rule(
    directory: Directory, aws: FakeAws
) -> None:
    bus = "aws.partner/shop.example/orders"
    topology = directory.write(
        f"name: etl\nevents: {{Start: {{bus: {bus}, function: one}}, Other: {{function: one}}}}\n",
        "one",
    ).topology()
    outcome = create(aws, topology)
    assert failures(outcome) == [f"event Start: Event bus {bus} does not exist."]
    assert ("default", "tc_etl_Other_bob") in aws.rules
    aws.buses[bus] = {}
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_names_with_upper_case_and_underscores(directory: Directory, aws: FakeAws) -> None:
    text = (
        "name: e-t-l\nroutes: {/A_b/c.d: {function: Do_It}}\nevents: {A.B_c-d: {function: Do_It}}\n"
    )
    topology = directory.write(text, "Do_It").topology(sandbox="pr-123")
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
    assert list(aws.functions) == ["e-t-l_Do_It_pr-123"]
    assert ("default", "tc_e-t-l_A.B_c-d_pr-123") in aws.rules
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_very_long_names(directory: Directory, aws: FakeAws) -> None:
    long = "n" * 70
    text = f"name: {long}\nroutes: {{/a: {{function: {long}}}}}\n"
    text += f"events: {{{long}: {{function: {long}}}}}\n"
    topology = directory.write(text, long).topology(sandbox=long)
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


@pytest.mark.parametrize(("component", "gone"), [("routes", "event"), ("events", "route")])
def test_a_selected_kind_takes_nothing_from_the_other(
    directory: Directory, aws: FakeAws, component: str, gone: str
) -> None:
    """What was taken out of the topology works until its own kind is brought up to date."""
    text = "name: etl\nroutes: {/a: {function: one}, /b: {function: two}}\n"
    text += "events: {E: {function: one}, F: {function: two}}\n"
    text += "functions: {one: {runtime: {timeout: 5}}}\n"
    create(aws, directory.write(text, "one two").topology())
    fewer = text.replace("/a: {function: one}, ", "").replace("E: {function: one}, ", "")
    topology = directory.write(fewer).topology()
    assert create(aws, topology, component).ok
    kinds = {step.split(" ")[1] for step in work(plan(aws, topology))}
    assert kinds == {gone, "permission"}
    assert len(aws.functions["etl_one_bob"]["policy"]) == 1
    assert create(aws, topology).ok
    assert aws.functions["etl_one_bob"]["policy"] == {}
    settled(aws, topology)


def test_an_empty_topology(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write("name: etl\n").topology()
    assert create(aws, topology).ok
    assert delete(aws, topology).ok
    assert aws.writes() == []


def test_a_route_to_a_flow_and_nothing_else(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nmode: Express\nroutes: {/a: {state: etl}}\n"
    text += "flow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
    topology = directory.write(text).topology()
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_two_sandboxes_and_one_is_deleted(directory: Directory, aws: FakeAws) -> None:
    directory.write(
        "name: etl\nroutes: {/a: {function: one}}\nevents: {E: {function: one}}\n", "one"
    )
    for sandbox in ("bob", "bob-2"):
        create(aws, directory.topology(sandbox=sandbox))
    assert delete(aws, directory.topology(sandbox="bob")).ok
    settled(aws, directory.topology(sandbox="bob-2"))
    assert delete(aws, directory.topology(sandbox="bob-2")).ok
    assert aws.is_empty()


def test_a_policy_that_somebody_added_to_a_role_is_no_dead_end(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(ONE, "one").topology()
    create(aws, topology)
    (role,) = aws.roles
    aws.roles[role]["attached"].append("arn:aws:iam::aws:policy/ReadOnlyAccess")
    aws.iam_put_role_policy(role, "mine", '{"Statement": [{}]}')
    assert failures(delete(aws, topology)) == []
    assert aws.is_empty()
