"""Every form of ``-c``."""

from __future__ import annotations

import pytest
from composing import Directory

from tc.deploy.desired import desired_of
from tc.deploy.pipeline import select
from tc.errors import UsageError
from tc.plan.resource import Resource
from tc.spec.facts import Facts

TEXT = """
name: etl
routes:
  etl: {path: /api/etl, function: enhancer}
  /items: {method: GET, function: loader}
  'PUT /things': {function: loader}
  /start: {state: etl, async: true}
events:
  Start: {state: etl}
  Done: {function: loader}
flow: {StartAt: s, States: {s: {Type: Succeed}}}
"""


@pytest.fixture
def desired(directory: Directory) -> list[Resource]:
    return desired_of(directory.write(TEXT, "enhancer loader").topology(), Facts())


def chosen(desired: list[Resource], *written: str) -> list[str]:
    selection = select(written, desired)
    return sorted(f"{r.kind} {r.title}" for r in desired if selection.selects(r))


def test_nothing_written_is_everything(desired: list[Resource]) -> None:
    assert len(chosen(desired)) == len(desired)


ROUTES = ["route /api/etl", "route GET /items", "route PUT /things", "route /start"]
FORMS = [
    (["functions"], ["function etl_enhancer_bob", "function etl_loader_bob"]),
    (["enhancer"], ["function etl_enhancer_bob"]),
    (["functions/enhancer"], ["function etl_enhancer_bob"]),
    (["enhancer", "loader"], ["function etl_enhancer_bob", "function etl_loader_bob"]),
    (
        ["flow"],
        ["flow etl_bob", "role tc_etl_flow.etl_bob_eu-west-1"],
    ),
    (
        ["events/Start"],
        ["event Start", "role tc_etl_event.Start_bob_eu-west-1"],
    ),
    (["events/Done"], ["event Done", "permission etl_loader_bob for event Done"]),
    (["routes/etl"], ["permission etl_enhancer_bob for api etl_bob", "route /api/etl"]),
    (["routes/api/etl"], ["permission etl_enhancer_bob for api etl_bob", "route /api/etl"]),
    (["routes//api/etl"], ["permission etl_enhancer_bob for api etl_bob", "route /api/etl"]),
    (["routes//items"], ["permission etl_loader_bob for api etl_bob", "route GET /items"]),
    (["routes/PUT /things"], ["permission etl_loader_bob for api etl_bob", "route PUT /things"]),
    (
        ["routes"],
        [
            *ROUTES,
            "api etl_bob",
            "permission etl_enhancer_bob for api etl_bob",
            "permission etl_loader_bob for api etl_bob",
            "role tc_etl_api.etl_bob_eu-west-1",
        ],
    ),
    (["roles/enhancer"], ["role tc_etl_enhancer_bob_eu-west-1"]),
    (
        ["functions/roles"],
        ["role tc_etl_enhancer_bob_eu-west-1", "role tc_etl_loader_bob_eu-west-1"],
    ),
    (["logs/loader"], ["log group /aws/lambda/etl_loader_bob"]),
    (["apis"], ["api etl_bob"]),
]


@pytest.mark.parametrize(("written", "expected"), FORMS)
def test_what_is_chosen(desired: list[Resource], written: list[str], expected: list[str]) -> None:
    assert chosen(desired, *written) == sorted(expected)


VARS = {"memory_mb", "timeout_s", "environment", "storage_mb", "tracing"}
VARS |= {"vpc", "file_systems", "kms_key", "snapstart"}
FIELDS: list[tuple[list[str], set[str] | None]] = [
    (["functions"], None),
    (["vars"], VARS),
    (["functions/vars"], VARS),
    (["layers"], {"layers"}),
    (["functions/tags"], {"tags"}),
    (["code"], {"code"}),
    (["code", "vars"], VARS | {"code"}),
    (["functions/layers", "tags", "code"], {"layers", "tags", "code"}),
    (["functions", "vars"], None),
    (["vars", "functions"], None),
    (["vars", "enhancer"], None),
    (["functions/enhancer/vars"], VARS),
    (["enhancer/tags", "functions/enhancer/layers"], {"tags", "layers"}),
    (["enhancer/tags", "code"], {"tags", "code"}),
    (["enhancer/vars", "enhancer"], None),
]


@pytest.mark.parametrize(("written", "fields"), FIELDS)
def test_aspects_limit_the_fields_of_functions(
    desired: list[Resource], written: list[str], fields: set[str] | None
) -> None:
    enhancer = next(r for r in desired if r.key == "function/etl_enhancer_bob")
    selection = select(written, desired)
    assert selection.selects(enhancer)
    assert selection.fields(enhancer) == fields


def test_an_aspect_of_one_function_is_of_that_one_alone(desired: list[Resource]) -> None:
    assert chosen(desired, "functions/loader/vars") == ["function etl_loader_bob"]
    assert chosen(desired, "enhancer/roles") == ["role tc_etl_enhancer_bob_eu-west-1"]


@pytest.mark.parametrize("kind", ["routes", "flow", "events", "logs", "roles", "states"])
def test_a_kind_wins_over_a_function_of_the_same_name(directory: Directory, kind: str) -> None:
    desired = desired_of(directory.write(TEXT, f"enhancer loader {kind}").topology(), Facts())
    assert f"function etl_{kind}_bob" not in chosen(desired, kind)
    if kind != "roles":  # `functions/roles` is an aspect
        assert chosen(desired, f"functions/{kind}") == [f"function etl_{kind}_bob"]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("enhancr", "did you mean `enhancer`?"),
        ("route", "did you mean `routes`?"),
        ("functions/var", "did you mean `functions/vars`?"),
        ("functions/enhancer/var", "did you mean `functions/enhancer/vars`?"),
        ("routes/api/elt", "did you mean `routes/api/etl`?"),
        ("zzzzzz", "there are: "),
        ("", "there are: "),
    ],
)
def test_an_unknown_component_is_told_with_a_hint(
    desired: list[Resource], written: str, hint: str
) -> None:
    with pytest.raises(UsageError) as told:
        select([written], desired)
    assert told.value.exit_code == 2
    assert told.value.hint.startswith(hint)
    assert "routes//" not in told.value.hint


def test_only_whole_kinds_remove_what_nobody_desires(desired: list[Resource]) -> None:
    def removed(*written: str) -> set[str]:
        selection = select(written, desired)
        kinds = ("role", "log group", "function", "flow", "api", "route", "event", "permission")
        return {kind for kind in kinds if selection.removes(kind)}

    assert len(removed()) == 8
    assert removed("routes") == {"route", "api", "permission"}
    assert removed("events") == {"event", "permission"}
    assert removed("functions") == {"function"}
    assert removed("functions/vars") == removed("enhancer") == removed("routes/etl") == set()
    assert removed("roles") == removed("logs") == set()
