"""How many calls it takes to know what is there, and drift of everything that was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, packages, plan, settled, work
from fake_aws import FakeAws, refused

from tc.deploy.addresses import routes
from tc.deploy.inventory import sandboxes, things
from tc.deploy.pipeline import prepare, resolved
from tc.errors import TcError
from tc.events import silent
from tc.plan.ownership import Conflict
from tc.spec.artifact import Artifact
from tc.spec.function import Function


def text(functions: int) -> str:
    names = [f"f{number}" for number in range(functions)]
    entries = {f"/{name}": {"function": name} for name in names}
    events = {name: {"function": name} for name in names}
    flow = {"StartAt": "s", "States": {"s": {"Type": "Succeed"}}}
    return "\n".join(
        f"{key}: {json.dumps(value)}"
        for key, value in {"name": "etl", "routes": entries, "events": events, "flow": flow}.items()
    )


def names(functions: int) -> str:
    return " ".join(f"f{number}" for number in range(functions))


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def reads(aws: FakeAws, directory: Directory, **scope: Any) -> int:
    topology = directory.topology(**scope)
    aws.forget()
    assert work(plan(aws, topology)) == []
    return len(aws.calls)


def test_nothing_to_do_takes_two_reads_a_thing_and_a_constant(
    directory: Directory, aws: FakeAws
) -> None:
    found = {}
    for count in (2, 12):
        create(aws, directory.write(text(count), names(count)).topology())
        found[count] = reads(aws, directory)
    # ten more functions: each with role, log group, function, permissions, route, rule
    assert (found[12] - found[2]) / 10 <= 2 * 6
    assert found[2] <= 2 * 6 * 2 + 15


def test_reads_do_not_grow_with_what_others_have(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(text(3), names(3)).topology())
    before = reads(aws, directory)
    for sandbox in ("alice", "carol"):
        create(aws, directory.topology(sandbox=sandbox))
    assert reads(aws, directory) == before


@pytest.mark.parametrize(
    ("component", "most"), [("f1", 1), ("code", 3), ("routes//f1", 7), ("events/f1", 4)]
)
def test_a_selection_reads_only_what_it_is_about(
    directory: Directory, aws: FakeAws, component: str, most: int
) -> None:
    topology = directory.write(text(3), names(3)).topology()
    create(aws, topology)
    aws.forget()
    assert work(plan(aws, topology, component)) == []
    assert len(aws.calls) <= most, aws.names()


def test_a_forbidden_index_of_tags_is_no_obstacle(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(text(2), names(2)).topology()
    create(aws, topology)

    def hook(name: str, given: dict[str, Any]) -> Exception | None:
        return refused("AccessDeniedException") if name.startswith("resourcegroups") else None

    aws.hook = hook
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


Change = Callable[[FakeAws], object]
DRIFT: list[tuple[Change, str]] = [
    (
        lambda aws: aws.functions["etl_f0_bob"]["configuration"].update(MemorySize=999),
        "~ function etl_f0_bob: memory_mb",
    ),
    (
        lambda aws: aws.functions["etl_f0_bob"]["configuration"].update(CodeSha256="x"),
        "~ function etl_f0_bob: code",
    ),
    (
        lambda aws: aws.functions["etl_f0_bob"]["tags"].update(mine="x"),
        "~ function etl_f0_bob: tags.mine",
    ),
    (
        lambda aws: aws.functions["etl_f0_bob"]["policy"].clear(),
        "+ permission etl_f0_bob for api etl_bob",
    ),
    (lambda aws: aws.groups["/aws/lambda/etl_f0_bob"].update(days=1), "~ log group "),
    (lambda aws: aws.groups.pop("/aws/lambda/etl_f0_bob"), "+ log group "),
    (
        lambda aws: aws.roles["tc_etl_f0_bob_eu-west-1"]["policies"].clear(),
        "~ role tc_etl_f0_bob_eu-west-1: policy",
    ),
    (
        lambda aws: aws.roles["tc_etl_f0_bob_eu-west-1"]["role"][
            "AssumeRolePolicyDocument"
        ].clear(),
        "~ role tc_etl_f0_bob_eu-west-1: trust",
    ),
    (lambda aws: aws.machines["etl_bob"].update(definition="{}"), "~ flow etl_bob: definition"),
    (
        lambda aws: aws.machines["etl_bob"].update(definition="no json"),
        "~ flow etl_bob: definition",
    ),
    (lambda aws: aws.machines["etl_bob"].update(roleArn="a:b/c"), "~ flow etl_bob: role"),
    (
        lambda aws: aws.rules["default", "tc_etl_f0_bob"].update(State="DISABLED"),
        "~ event f0: state",
    ),
    (lambda aws: aws.rules["default", "tc_etl_f0_bob"]["targets"].clear(), "~ event f0: targets"),
    (
        lambda aws: aws.rules["default", "tc_etl_f0_bob"].update(EventPattern='{"a": ["b"]}'),
        "~ event f0: pattern",
    ),
    (lambda aws: next(iter(aws.http_apis.values()))["stages"].clear(), "~ api etl_bob: answers"),
    (lambda aws: next(iter(aws.http_apis.values()))["Tags"].update(x="y"), "~ api etl_bob: tags.x"),
    (lambda aws: next(iter(aws.http_apis.values()))["routes"].clear(), "+ route /f0"),
    (
        lambda aws: next(iter(next(iter(aws.http_apis.values()))["integrations"].values())).update(
            TimeoutInMillis=1
        ),
        "~ route /f0: timeout_ms",
    ),
]


@pytest.mark.parametrize(("drift", "expected"), DRIFT)
def test_what_was_changed_behind_our_back_is_told_and_mended(
    directory: Directory, aws: FakeAws, drift: Change, expected: str
) -> None:
    topology = directory.write(text(1), "f0").topology()
    create(aws, topology)
    drift(aws)
    found = work(plan(aws, topology))
    assert found[0].startswith(expected)
    assert all(step[2:].split(" ")[0] == found[0][2:].split(" ")[0] for step in found)
    assert create(aws, topology).ok
    settled(aws, topology)


def test_a_flow_that_is_being_deleted_is_as_good_as_gone(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(text(1), "f0").topology()
    create(aws, topology)
    aws.machines["etl_bob"]["status"] = "DELETING"
    assert work(plan(aws, topology)) == ["+ flow etl_bob"]


def test_routes_that_were_written_but_not_deployed_are_noticed(
    directory: Directory, aws: FakeAws
) -> None:
    directory.write("name: etl\nroutes: {/a: {function: f, async: true}}\n", "f")
    topology = directory.topology()
    create(aws, topology)
    (api,) = aws.rest_apis.values()
    for deployment in api["deployments"].values():
        deployment["description"] = "routes of another time"
    assert work(plan(aws, topology)) == ["~ api etl_bob: answers"]
    assert create(aws, topology).ok
    settled(aws, topology)


FOREIGN: list[Change] = [
    lambda aws: aws.functions["etl_f0_bob"]["tags"].pop("tc:functor"),
    lambda aws: aws.groups["/aws/lambda/etl_f0_bob"]["tags"].update({"tc:functor": "a@b"}),
    lambda aws: aws.machines["etl_bob"]["tags"].pop("tc:functor"),
    lambda aws: aws.rules["default", "tc_etl_f0_bob"]["tags"].pop("tc:functor"),
    lambda aws: next(iter(aws.http_apis.values()))["Tags"].pop("tc:functor"),
]


@pytest.mark.parametrize("drift", FOREIGN)
def test_what_has_lost_its_mark_is_not_ours_until_adopted(
    directory: Directory, aws: FakeAws, drift: Change
) -> None:
    topology = directory.write(text(1), "f0").topology()
    create(aws, topology)
    drift(aws)
    aws.forget()
    with pytest.raises(Conflict):
        plan(aws, topology)
    assert aws.writes() == []
    assert create(aws, topology, adopt=True).ok
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_a_foreign_role_is_adopted_by_making_it_anew(directory: Directory, aws: FakeAws) -> None:
    aws.iam_create_role(
        "tc_etl_f0_bob_eu-west-1",
        "/",
        [],
        Description="of another tool",
        AssumeRolePolicyDocument="{}",
    )
    aws.roles["tc_etl_f0_bob_eu-west-1"]["attached"].append("arn:aws:iam::aws:policy/Any")
    topology = directory.write(text(1), "f0").topology()
    with pytest.raises(Conflict):
        plan(aws, topology)
    assert create(aws, topology, adopt=True).ok
    settled(aws, topology)


def large(functions: Any) -> dict[str, Artifact]:
    return {name: replace(made, stored=False) for name, made in packages(functions).items()}


def test_a_large_package_is_known_by_its_tag_whatever_zlib_made_of_it(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write("name: etl\n", "f0").topology()

    def zlib(sha: str) -> Callable[[Any], dict[str, Artifact]]:
        def package(functions: dict[str, Function]) -> dict[str, Artifact]:
            return {name: replace(a, sha256=sha) for name, a in large(functions).items()}

        return package

    from tc.deploy.pipeline import carry_out

    carry_out(prepare(topology, aws, large, silent), aws, silent)
    assert work(prepare(topology, aws, zlib("another"), silent)) == []
    aws.functions["etl_f0_bob"]["configuration"]["CodeSha256"] = "edited"
    assert work(prepare(topology, aws, large, silent)) == ["~ function etl_f0_bob: code"]


def test_people_s_tags_make_no_plan_but_are_written_with_a_change(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write("name: etl\n", "f0").topology())
    later = {"version": "0.0.2", "updated_by": "carol", "tc_version": "2.0.0"}
    assert reads(aws, directory, **{k: v for k, v in later.items() if k != "version"}) > 0
    changed = "name: etl\nversion: 0.0.2\nfunctions: {f0: {runtime: {memory: 256}}}\n"
    topology = directory.write(changed).topology(updated_by="carol")
    create(aws, topology)
    tags = aws.functions["etl_f0_bob"]["tags"]
    assert (tags["version"], tags["updated_by"]) == ("0.0.2", "carol")


def test_what_is_where(directory: Directory, aws: FakeAws) -> None:
    directory.write(text(1), "f0")
    topology = directory.topology()
    create(aws, topology)
    create(aws, directory.topology(sandbox="alice"))
    found = things(topology, aws)
    assert {(thing.kind, thing.title) for thing in found} >= {
        ("function", "etl_f0_bob"),
        ("route", "/f0"),
        ("event", "f0"),
        ("flow", "etl_bob"),
    }
    assert not [thing for thing in found if "alice" in thing.title]
    (route,) = [thing for thing in found if thing.kind == "route"]
    (api,) = [a for a in aws.http_apis.values() if a["Name"] == "etl_bob"]
    assert route.address == f"https://{api['ApiId']}.execute-api.eu-west-1.amazonaws.com/f0"
    listed = {(box.namespace, box.sandbox): box for box in sandboxes(aws)}
    assert set(listed) == {("etl", "alice"), ("etl", "bob")}
    assert listed["etl", "bob"].updated_by == "bob"


def test_others_on_the_same_gateway_are_not_listed(directory: Directory, aws: FakeAws) -> None:
    directory.write("name: etl\nroutes: {/a: {gateway: g, function: f0}}\n", "f0")
    for sandbox in ("alice", "bob"):
        create(aws, directory.topology(sandbox=sandbox))
    found = things(directory.topology(), aws)
    assert [thing.title for thing in found if thing.kind in ("route", "api")] == ["/bob/a"]


def test_routes_have_addresses_once_their_api_is_there(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(
        "name: etl\nroutes: {x: {path: /a, method: GET, function: f0}}\n", "f0"
    ).topology()
    prepared = plan(aws, topology)
    assert list(routes(prepared.desired, {})) == []
    outcome = create(aws, topology)
    (address,) = routes(prepared.desired, outcome.outputs)
    assert (address.method, address.path, address.name) == ("GET", "/a", "x")
    assert address.url.endswith("amazonaws.com/a")


def test_what_would_be_deployed_has_every_package(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(text(2), names(2)).topology()
    found = resolved(topology, aws, packages, silent)
    assert all("code" in r.props for r in found if r.kind == "function")
    assert aws.writes() == []


def test_a_missing_function_is_packaged_when_something_selected_needs_it(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(text(2), names(2)).topology()
    outcome = create(aws, topology, "events/f0")
    assert outcome.ok
    assert list(aws.functions) == ["etl_f0_bob"]
    assert not aws.http_apis


def test_what_a_missing_thing_needs_is_read_too(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(text(1), "f0").topology()
    create(aws, topology)
    del aws.functions["etl_f0_bob"]
    assert work(plan(aws, topology, "f0")) == ["+ function etl_f0_bob"]
    assert work(plan(aws, topology, "events/f0")) == [
        "+ function etl_f0_bob",
        "+ permission etl_f0_bob for event f0",
    ]


def test_two_own_apis_are_told_and_not_guessed(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write("name: etl\nroutes: {/a: {function: f0}}\n", "f0").topology()
    create(aws, topology)
    (api,) = aws.http_apis.values()
    second = aws.apigatewayv2_create_api("etl_bob", "HTTP", dict(api["Tags"]))
    with pytest.raises(TcError) as told:
        plan(aws, topology)
    assert told.value.code == "two-apis"
    assert second["ApiId"] in told.value.message
