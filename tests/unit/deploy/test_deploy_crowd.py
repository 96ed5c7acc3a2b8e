"""A sandbox among many: what is read grows with it, and only it is touched."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from every_kind import FILES, text
from fake_aws import FakeAws
from fake_crowd import siblings, strangers

from tc.spec.topology import Topology

#: half of them before ours in a listing: more than a page of rules
OTHERS = 220
#: what AWS lists only as a whole; an account can't have more than a few pages of these
WHOLE = {"appsync.list_apis", "appsync.list_graphql_apis", "cognito-idp.list_user_pools"}


@pytest.fixture
def topology(directory: Directory) -> Topology:
    return directory.write(text("etl", ("a", "b", "c")), "a b c", FILES).topology()


def deployed(topology: Topology) -> FakeAws:
    aws = FakeAws()
    assert failures(create(aws, topology)) == []
    return aws


def crowded(topology: Topology) -> FakeAws:
    aws = deployed(topology)
    strangers(aws, OTHERS, "etl", "bob")
    return aws


def forgetful(aws: FakeAws) -> FakeAws:
    """The account while its index of tags knows of nothing."""
    aws._tagged = lambda: iter(())  # type: ignore[method-assign]
    return aws


def reads(aws: FakeAws, topology: Topology) -> Counter[str]:
    aws.forget()
    assert work(plan(aws, topology)) == []
    assert aws.writes() == []
    return aws.names()


def test_others_change_no_number_of_calls(topology: Topology) -> None:
    assert reads(crowded(topology), topology) == reads(deployed(topology), topology)


def test_nor_do_they_while_the_index_of_tags_lags(topology: Topology) -> None:
    alone = reads(forgetful(deployed(topology)), topology)
    among = reads(forgetful(crowded(topology)), topology)
    assert {name for name in among if among[name] > alone[name]} <= WHOLE


def test_among_sandboxes_of_the_same_topology_it_is_two_calls_a_thing_and_some(
    topology: Topology,
) -> None:
    aws = deployed(topology)
    siblings(aws, OTHERS, "bob")
    made = reads(aws, topology)
    assert made.total() <= 2 * len(plan(aws, topology).desired) + 15


def held(aws: FakeAws) -> dict[str, Any]:
    return copy.deepcopy({k: v for k, v in vars(aws).items() if isinstance(v, dict)})


@pytest.mark.parametrize("crowd", ["strangers", "siblings"])
def test_delete_among_others_takes_all_that_is_ours_and_only_that(
    topology: Topology, crowd: str
) -> None:
    aws, alone = deployed(topology), deployed(topology)
    before = {name: set(things) for name, things in held(aws).items()}
    assert delete(alone, topology).ok
    stays = held(alone)
    if crowd == "strangers":
        strangers(aws, OTHERS, "etl", "bob")
    else:
        siblings(aws, OTHERS, "bob")
    everybody = held(aws)
    assert delete(aws, topology).ok
    for name, things in held(aws).items():
        gone = set(everybody[name]) - set(things)
        assert gone <= before[name]
        left = {key for key in before[name] - gone if "bob" in str(key)}
        assert left <= set(stays[name]), name


RULE = "name: etl\nevents: {E: {producer: x, function: f}}\n"


def test_a_rule_behind_a_page_of_others_is_found_by_the_function_it_starts(
    directory: Directory,
) -> None:
    aws = deployed(directory.write(RULE, "f").topology())
    siblings(aws, OTHERS, "bob")
    without = directory.write("name: etl\n").topology()
    assert "- event tc_etl_E_bob: " in [f"{line}: " for line in work(plan(forgetful(aws), without))]


def test_a_log_group_behind_a_page_of_others_is_found_by_its_name(directory: Directory) -> None:
    topology = directory.write("name: etl\n", "f").topology()
    aws = deployed(topology)
    siblings(aws, OTHERS, "bob")
    # a page of all of them, and itself
    assert reads(aws, topology)["logs.describe_log_groups"] == 2
    aws.groups["/aws/lambda/etl_f_bob"]["days"] = 1
    assert work(plan(aws, topology)) == ["~ log group /aws/lambda/etl_f_bob: retention_days"]


def test_a_bus_with_rules_of_others_stays_and_they_are_not_counted(directory: Directory) -> None:
    topology = directory.write(RULE.replace("producer: x", "bus: orders"), "f").topology()
    aws = deployed(topology)
    siblings(aws, OTHERS, "bob")
    aws.forget()
    assert delete(aws, topology).ok
    assert "orders" in aws.buses
    # one page of our names on each bus, and one of whatever is on the shared one
    assert aws.names()["events.list_rules"] <= 3


SHARED = """
name: etl
routes: {/jobs: {gateway: api-test, queue: jobs}}
queues: {jobs: {}}
"""


def test_a_shared_gateway_is_listed_for_once(directory: Directory) -> None:
    topology = directory.write(SHARED).topology()
    aws = deployed(topology)
    assert reads(aws, topology)["apigatewayv2.get_apis"] == 0
    # it was deleted, and is made again: a look at all of them tells that there is none
    aws.http_apis.clear()
    assert "+ api api-test (shared)" in work(plan(aws, topology))
    assert create(aws, topology).ok
    settled(aws, topology)


def test_an_api_nobody_wants_isn_t_looked_for_among_all(directory: Directory) -> None:
    topology = directory.write("name: etl\n", "f").topology()
    aws = deployed(topology)
    made = reads(aws, topology)
    assert not {name for name in made if name.startswith(("apigateway", "appsync", "cognito"))}
