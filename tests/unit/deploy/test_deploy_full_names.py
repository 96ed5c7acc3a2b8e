"""Functions whose whole name on AWS is written."""

from __future__ import annotations

import json

import pytest
from composing import Directory, codes
from deploying import create, delete, plan, settled, work
from fake_aws import FakeAws, policy_of, role_policy

from tc.plan.ownership import Conflict

TEXT = """\
name: etl
routes: { /a: { function: one } }
functions:
  one: { fqn: 'legacy-one-{{sandbox}}' }
  two: { function: three }
  three: { fqn: 'legacy-three-{{sandbox}}' }
flow:
  StartAt: s
  States:
    s:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      Parameters: { FunctionName: 'legacy-one-{{sandbox}}', Payload.$: $ }
      End: true
"""


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def test_it_is_the_name_everywhere(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TEXT, "one two three").topology()
    assert create(aws, topology).ok
    assert set(aws.functions) == {"legacy-one-bob", "etl_two_bob", "legacy-three-bob"}
    assert set(aws.groups) >= {"/aws/lambda/legacy-one-bob"}
    assert len(policy_of(aws, "legacy-one-bob")) == 1
    assert "legacy-one-bob" in json.dumps(role_policy(aws, "tc_etl_one_bob_eu-west-1"))
    machines = json.dumps([m["definition"] for m in aws.machines.values()])
    assert "function:legacy-three-bob" in machines
    roles = json.dumps([role["policies"] for role in aws.roles.values()])
    assert "function:legacy-three-bob" in roles
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_a_namespace_of_its_own_is_the_start_of_its_name(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: etl\nfunctions: { one: { namespace: shop, function: two } }\n"
    topology = directory.write(text, "one two").topology()
    assert create(aws, topology).ok
    assert set(aws.functions) == {"shop_one_bob", "etl_two_bob"}
    assert aws.functions["shop_one_bob"]["tags"]["tc:functor"] == "etl@bob"
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_a_new_name_is_a_new_function_and_the_old_one_goes(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write(TEXT, "one two three").topology())
    topology = directory.write(TEXT.replace("legacy-one", "newer-one"), "one two three").topology()
    changed = [line for line in work(plan(aws, topology)) if " function " in line]
    assert changed == ["+ function newer-one-bob", "- function legacy-one-bob"]
    assert create(aws, topology).ok
    assert set(aws.functions) == {"newer-one-bob", "etl_two_bob", "legacy-three-bob"}
    settled(aws, topology)
    delete(aws, topology)
    assert aws.is_empty()


def test_another_sandbox_does_not_take_it(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nfunctions: { one: { fqn: legacy } }\n"
    create(aws, directory.write(text, "one").topology())
    with pytest.raises(Conflict):
        create(aws, directory.topology(sandbox="alice"))


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ("one: { fqn: 'a b' }", ["bad-name"]),
        (f"one: {{ fqn: {'x' * 65} }}", ["bad-name"]),
        ("one: { fqn: '{{namespace}}_two_{{sandbox}}' }", ["duplicate-name"]),
        ("one: { fqn: same }\n  two: { fqn: same }", ["duplicate-name"] * 2),
    ],
)
def test_names_that_can_not_be(directory: Directory, entries: str, found: list[str]) -> None:
    directory.write(f"name: etl\nfunctions:\n  {entries}\n", "one two")
    assert codes(directory.findings()) == found
    assert codes(directory.findings(sandbox="{{sandbox}}")) == found
