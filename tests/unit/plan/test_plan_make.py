"""make_plan and make_removal on plain data: actions, order, children, ownership."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tc.plan.ownership import Conflict, refuse_foreign
from tc.plan.plan import make_plan, make_removal
from tc.plan.resource import Action, Actual, Plan, Ref, Resource, Step
from tc.plan.select import EVERYTHING, Selection

ORDER = ("role", "function", "api", "route", "permission")
REPLACING = {"api": frozenset({"protocol"}), "permission": frozenset({"source"})}
OWNER = "etl@bob"


def resource(key: str, props: dict[str, Any] | None = None, **more: Any) -> Resource:
    kind = key.split("/")[0]
    given = {"selectors": frozenset({kind, key}), "owner": OWNER, **more}
    return Resource(kind, key, key, key, props={} if props is None else props, **given)


def live(key: str, props: dict[str, Any] | None = None, **more: Any) -> Actual:
    given = {"owner": OWNER, **more}
    return Actual(key.split("/")[0], key, key, key, props={} if props is None else props, **given)


def plan(
    desired: list[Resource],
    actual: list[Actual],
    selection: Selection = EVERYTHING,
    *,
    removal: bool = False,
) -> Plan:
    make = make_removal if removal else make_plan
    return make(
        desired,
        {found.key: found for found in actual},
        selection,
        owners=frozenset({OWNER}),
        replacing=REPLACING,
        order=ORDER,
    )


def told(made: Plan) -> list[str]:
    """``+ route/a``, in the order of the plan; within its parent's step: ``+ route/a < api/x``."""
    return [
        f"{step.action.value} {step.key}" + (f" < {step.within}" if step.within else "")
        for step in made.steps
    ]


def chosen(*selectors: str, kinds: tuple[str, ...] = ()) -> Selection:
    named = frozenset(name.split("/")[0] for name in selectors)
    return Selection(dict.fromkeys(selectors), frozenset(kinds), named=named)


def test_the_five_actions() -> None:
    desired = [
        resource("role/new"),
        resource("role/same", {"a": 1}),
        resource("role/other", {"a": 2}),
        resource("api/turned", {"protocol": "REST"}),
    ]
    actual = [
        live("role/same", {"a": 1}),
        live("role/other", {"a": 1}),
        live("api/turned", {"protocol": "HTTP"}),
        live("role/gone"),
    ]
    made = plan(desired, actual)
    assert told(made) == [
        "+ role/new",
        "~ role/other",
        "= role/same",
        "± api/turned",
        "- role/gone",
    ]
    assert [step.action for step in made.work] == [
        Action.CREATE,
        Action.UPDATE,
        Action.REPLACE,
        Action.DELETE,
    ]


def test_only_what_an_owner_has_is_removed() -> None:
    actual = [live("role/a"), live("role/b", owner="etl@alice"), live("role/c", owner="")]
    assert told(plan([], actual)) == ["- role/a"]
    assert told(plan([], actual, removal=True)) == ["- role/a"]


def test_what_is_missing_and_needed_comes_along() -> None:
    desired = [
        resource("role/a"),
        resource("function/a", needs=("role/a",)),
        resource("permission/a", needs=("function/a",)),
        resource("function/b"),
    ]
    only = chosen("permission/a")
    assert told(plan(desired, [], only)) == ["+ role/a", "+ function/a", "+ permission/a"]
    assert told(plan(desired, [live("function/a")], only)) == ["+ permission/a"]
    there = [live("permission/a")]
    assert told(plan(desired, there, only)) == ["= permission/a"]


def test_references_are_filled_with_what_is_there() -> None:
    desired = [
        resource("api/x"),
        resource("permission/p", {"source": Ref("api/x", "id")}, needs=("api/x",)),
    ]
    there = [live("api/x", outputs={"id": "7"}), live("permission/p", {"source": "7"})]
    assert told(plan(desired, there)) == ["= api/x", "= permission/p"]
    assert told(plan(desired, [there[0]])) == ["= api/x", "+ permission/p"]
    made = plan(desired, [live("permission/p", {"source": "6"})])
    assert told(made) == ["+ api/x", "± permission/p"]
    assert made.steps[1].changes[0].after == Ref("api/x", "id")


def api(bears: set[str], protocol: str = "HTTP") -> Resource:
    return resource("api/x", {"protocol": protocol}, bears=frozenset(bears))


def route(name: str, **props: Any) -> Resource:
    return resource(f"route/{name}", props, parent="api/x", needs=("api/x",))


def there(name: str, **props: Any) -> Actual:
    return live(f"route/{name}", props, parent="api/x")


LIVE_API = live("api/x", {"protocol": "HTTP"}, outputs={"id": "7"})


def children(made: Plan) -> list[str]:
    return [child.key for child in step_of(made, "api/x").children]


def step_of(made: Plan, key: str) -> Step:
    return next(step for step in made.steps if step.key == key)


def test_an_api_is_created_with_its_routes() -> None:
    made = plan([api({"create"}), route("a"), route("b")], [])
    assert told(made) == ["+ api/x", "+ route/a < api/x", "+ route/b < api/x"]
    assert children(made) == ["route/a", "route/b"]


def test_a_live_api_that_bears_creation_only_has_its_routes_changed_one_by_one() -> None:
    desired = [api({"create"}), route("a", t=2), route("b")]
    made = plan(desired, [LIVE_API, there("a", t=1), there("c")])
    assert told(made) == ["= api/x", "~ route/a", "+ route/b", "- route/c"]


def test_an_api_that_bears_updates_is_written_whole() -> None:
    desired = [api({"create", "update"}), route("a", t=2), route("b", t=1)]
    made = plan(desired, [LIVE_API, there("a", t=1), there("b", t=1), there("c")])
    assert told(made) == ["~ api/x", "~ route/a < api/x", "= route/b", "- route/c < api/x"]
    assert children(made) == ["route/a", "route/b"]
    assert step_of(made, "api/x").changes == ()


def test_one_route_of_a_whole_api_leaves_the_others_as_they_are() -> None:
    desired = [api({"create", "update"}), route("a", t=2), route("b", t=2), route("new")]
    made = plan(
        desired, [LIVE_API, there("a", t=1), there("b", t=1), there("c")], chosen("route/a")
    )
    assert told(made) == ["~ api/x", "~ route/a < api/x"]
    final = {child.key: dict(child.props) for child in step_of(made, "api/x").children}
    assert final == {"route/a": {"t": 2}, "route/b": {"t": 1}, "route/c": {}}


def test_an_api_that_is_made_anew_takes_everything_along() -> None:
    desired = [
        api({"create", "update"}, "REST"),
        route("a", t=1),
        route("b", t=1),
        resource("permission/p", {"source": Ref("api/x", "id")}, needs=("api/x",)),
        resource("function/f", {"m": 2}),
    ]
    actual = [
        LIVE_API,
        there("a", t=1),
        there("b", t=1),
        there("of another time", t=1),
        live("permission/p", {"source": "7"}),
        live("function/f", {"m": 1}),
    ]
    expected = ["± api/x", "+ route/a < api/x", "+ route/b < api/x", "± permission/p"]
    for selection in (chosen("route/a"), chosen("api/x"), chosen("route")):
        made = plan(desired, actual, selection)
        assert [line for line in told(made) if "another" not in line] == expected
        assert children(made) == ["route/a", "route/b"]
    gone = "- route/of another time < api/x"
    assert told(plan(desired, actual)) == ["~ function/f", *expected, gone]


def test_an_api_goes_with_its_routes() -> None:
    made = plan([], [LIVE_API, there("a")])
    assert told(made) == ["- route/a < api/x", "- api/x"]
    assert children(made) == []


GATEWAY = live("api/g", owner="", outputs={"made": "tc"})


def on_gateway(name: str, owner: str = OWNER) -> Actual:
    return live(f"route/{name}", parent="api/g", owner=owner)


def test_a_shared_gateway_goes_with_its_last_route_and_only_if_tc_made_it() -> None:
    assert told(plan([], [GATEWAY, on_gateway("a")])) == ["- route/a < api/g", "- api/g"]
    assert told(plan([], [GATEWAY, on_gateway("a"), on_gateway("b", "etl@alice")])) == ["- route/a"]
    found = live("api/g", owner="", outputs={"made": ""})
    assert told(plan([], [found, on_gateway("a")])) == ["- route/a"]
    still = resource("route/b", parent="api/g")
    assert "- api/g" not in told(plan([still], [GATEWAY, on_gateway("a")]))


def test_nothing_is_removed_before_the_rest_is_done_and_users_go_first() -> None:
    desired = [resource("role/new"), resource("function/new", needs=("role/new",))]
    actual = [
        live("role/old"),
        live("function/old", needs=("role/old",)),
        live("permission/old", parent="function/old"),
    ]
    made = plan(desired, actual)
    assert told(made) == [
        "+ role/new",
        "+ function/new",
        "- permission/old < function/old",
        "- function/old",
        "- role/old",
    ]
    built = {"role/new", "function/new"}
    assert set(step_of(made, "function/old").needs) == built
    assert set(step_of(made, "role/old").needs) == built | {"function/old"}
    assert step_of(made, "function/new").needs == ("role/new",)


def test_a_selection_removes_whole_kinds_only() -> None:
    actual = [live("role/a"), live("route/a"), live("route/b")]
    assert told(plan([], actual, chosen("route", kinds=("route",)))) == ["- route/a", "- route/b"]
    assert told(plan([], actual, chosen("route/a"))) == []


def test_removal_of_a_selection_leaves_what_comes_with_it() -> None:
    desired = [
        resource("role/f", selectors=frozenset({"function/f"})),
        resource("function/f", needs=("role/f",)),
        resource("function/g", {"m": 2}),
    ]
    actual = [live("role/f"), live("function/f"), live("function/g", {"m": 1})]
    assert told(plan(desired, actual, chosen("function/f"), removal=True)) == ["- function/f"]
    assert told(plan(desired, actual, removal=True)) == [
        "- function/f",
        "- function/g",
        "- role/f",
    ]


def test_an_api_that_nothing_is_left_in_is_removed_with_its_last_route() -> None:
    desired = [api({"create", "update"}), route("a"), route("b")]
    actual = [LIVE_API, there("a"), there("b")]
    one = plan(desired, actual, chosen("route/a"), removal=True)
    assert told(one) == ["~ api/x", "- route/a < api/x"]
    assert children(one) == ["route/b"]
    both = plan(desired, actual, chosen("route/a", "route/b"), removal=True)
    assert told(both) == ["- route/a < api/x", "- route/b < api/x", "- api/x"]


@pytest.mark.parametrize(("owner", "whose"), [("x@y", "it belongs to x@y"), ("", "no mark of tc")])
def test_what_belongs_to_another_stops_the_run_even_if_nothing_would_change(
    owner: str, whose: str
) -> None:
    made = plan([resource("role/a", {"p": 1})], [live("role/a", {"p": 1}, owner=owner)])
    assert told(made) == ["~ role/a"]
    assert [change.path for change in made.steps[0].changes] == ["owner"]
    with pytest.raises(Conflict, match=whose) as error:
        refuse_foreign(made)
    assert "--adopt" in error.value.hint
    assert error.value.code == "not-owned"


def test_nobody_s_gateway_may_be_used_but_not_turned_over() -> None:
    shared = resource("api/g", {"protocol": "HTTP", "answers": True}, owner="")
    refuse_foreign(plan([shared], [live("api/g", {"protocol": "HTTP"}, owner="")]))
    with pytest.raises(Conflict, match="its protocol is REST, the topology needs HTTP"):
        refuse_foreign(plan([shared], [live("api/g", {"protocol": "REST"}, owner="")]))


def test_every_conflict_is_told_at_once() -> None:
    keys = ["role/a", "role/b"]
    made = plan([resource(key) for key in keys], [live(key, owner="x@y") for key in keys])
    with pytest.raises(Conflict, match="2 things") as error:
        refuse_foreign(made)
    assert "role/a" in error.value.message
    assert "role/b" in error.value.message


names = st.lists(st.sampled_from("abcdef"), unique=True)


@given(names, names, names)
def test_a_plan_is_the_difference_and_its_order_works(
    wanted: list[str], present: list[str], changed: list[str]
) -> None:
    desired = [resource(f"role/{name}", {"v": 1}) for name in wanted]
    desired += [resource(f"function/{name}", {"v": 1}, needs=(f"role/{name}",)) for name in wanted]
    actual = []
    for name in present:
        props = {"v": 0 if name in changed else 1}
        actual.append(live(f"role/{name}", props))
        actual.append(live(f"function/{name}", props, needs=(f"role/{name}",)))
    made = plan(desired, actual)
    expected = {
        name: "+" if name not in present else "~" if name in changed else "=" for name in wanted
    } | {name: "-" for name in present if name not in wanted}
    assert {step.key: step.action.value for step in made.steps} == {
        f"{kind}/{name}": sign for name, sign in expected.items() for kind in ("role", "function")
    }
    place = {step.key: number for number, step in enumerate(made.steps)}
    for step in made.steps:
        assert all(place[need] < place[step.key] for need in step.needs)
    reordered = plan(desired[::-1], actual[::-1])
    assert told(reordered) == told(made)
