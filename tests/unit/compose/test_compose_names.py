"""Names never meet, stay within AWS's limits, and templates are filled everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tc.components import api_names, event, role
from tc.components.event_model import EventModel
from tc.components.log_group import log_key
from tc.spec.finding import Address
from tc.spec.names import ENTITY_NAME, NAME, shorten
from tc.spec.scope import TEMPLATE_NAMES, Scope, own_tags, unknown_templates
from tc.spec.topology import Entry, Topology

ALPHABET = "ab-1"
names = st.text("ab1-", min_size=1, max_size=4) | st.text("abc123-", min_size=1, max_size=90)
namespaces = names.filter(lambda name: bool(NAME.match(name)))
entities = (
    st.text("aB1_-", min_size=1, max_size=5) | st.text("abAB12_-", min_size=1, max_size=100)
).filter(lambda name: bool(ENTITY_NAME.match(name)))
AT = Address(Path("topology.yml"))


def things(namespace: str, sandbox: str, name: str) -> dict[str, str]:
    """The name of each kind of thing that an entity `name` makes."""
    scope = Scope(namespace, sandbox, account="111122223333", region="eu-west-1")
    topology = Topology(namespace, scope, {}, {}, {}, (), (), AT)
    entry = Entry("event", name, EventModel(), AT)
    return {
        "function": topology.function_name(name),
        "log group": log_key(topology.function_name(name)),
        "flow": scope.name(namespace, name, sandbox, limit=80),
        "written flow": scope.name(namespace, sandbox, limit=80),
        "api": api_names.own_name(scope),
        "rule": event.rule_name(scope, entry),
        "role of function": role.role_name(scope, name),
        "role of flow": role.role_name(scope, f"flow.{name}"),
        "role of event": role.role_name(scope, f"event.{name}"),
    }


#: kinds whose names share one space on AWS
SPACES = [
    {"function"},
    {"log group"},
    {"flow", "written flow"},
    {"api"},
    {"rule"},
    {"role of function", "role of flow", "role of event"},
]
LIMITS = {"function": 64, "flow": 80, "written flow": 80, "api": 128, "rule": 64}
PER_TOPOLOGY = {"written flow", "api"}


@given(namespaces, namespaces, entities, namespaces, namespaces, entities)
@example("a" * 90, "bob", "f", "a" * 90, "bo", "f")
@example("a", "b", "f" * 90 + "1", "a", "b", "f" * 90 + "2")
@example("a", "b" * 90 + "1", "f", "a", "b" * 90 + "2", "f")
@example("a", "b-1", "f", "a", "1", "f_b-1")
def test_two_things_never_share_a_name(
    namespace: str, sandbox: str, name: str, namespace2: str, sandbox2: str, name2: str
) -> None:
    assume((namespace, sandbox, name) != (namespace2, sandbox2, name2))
    one, two = things(namespace, sandbox, name), things(namespace2, sandbox2, name2)
    same_topology = (namespace, sandbox) == (namespace2, sandbox2)
    for space in SPACES:
        for kind in space:
            for other in space:
                if same_topology and {kind, other} <= PER_TOPOLOGY:
                    continue
                assert one[kind] != two[other], (kind, other)


@given(namespaces, namespaces, entities)
@example("a", "b", "f" * 60)
@example("a", "b", "f" * 61)
@example("a" * 90, "b" * 90, "f" * 90)
def test_no_name_is_over_its_limit_and_a_cut_one_ends_in_a_hash(
    namespace: str, sandbox: str, name: str
) -> None:
    for kind, text in things(namespace, sandbox, name).items():
        limit = LIMITS.get(kind, 64)
        text = text.removeprefix("log group//aws/lambda/")
        assert len(text) <= limit
    whole = f"{namespace}_{name}_{sandbox}"
    cut = things(namespace, sandbox, name)["function"]
    assert cut == whole if len(whole) <= 64 else re.search(r"-[0-9a-f]{8}\Z", cut)


@given(st.text(min_size=1, max_size=200), st.integers(10, 100))
def test_shortening_is_stable_and_keeps_short_names(text: str, limit: int) -> None:
    assert shorten(text, limit) == shorten(text, limit)
    assert (
        shorten(text, limit) == text if len(text) <= limit else len(shorten(text, limit)) == limit
    )


SCOPE = Scope("etl", "bob", "dev", "111122223333", "eu-west-1", version="1.2.3", repo="shop")
plain = st.text(st.characters(exclude_characters="{}", codec="utf-8"), max_size=20)


@given(plain, plain, st.sampled_from(TEMPLATE_NAMES), st.sampled_from(["", " ", "  "]))
def test_a_template_in_any_string_is_filled(before: str, after: str, name: str, gap: str) -> None:
    assume("%" not in before + after)
    text = f"{before}{{{{{gap}{name}{gap}}}}}{after}"
    filled = f"{before}{getattr(SCOPE, name)}{after}"
    assert SCOPE.fill(text) == filled
    assert SCOPE.fill({"k": [text, {"x": text}]}) == {"k": [filled, {"x": filled}]}
    assert unknown_templates(text) == []


@given(st.text(st.characters(exclude_characters="{", codec="utf-8")))
def test_what_has_no_template_stays_as_it_is(text: str) -> None:
    assert SCOPE.fill(text) == text


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{{{", "{{"),
        ("{{{{sandbox}}", "{{sandbox}}"),
        ("{{sandbox}}{{{{{{env}}", "bob{{dev"),
        ("{% $x := {{sandbox}} %}", "{% $x := {{sandbox}} %}"),
        ("{% 1 %}{{sandbox}}{% 2 %}", "{% 1 %}bob{% 2 %}"),
        ("{sandbox}", "{sandbox}"),
        ("{{nobody}}", "{{nobody}}"),
    ],
)
def test_escapes_and_jsonata(text: str, filled: str) -> None:
    assert SCOPE.fill(text) == filled


def test_what_is_no_string_is_left_alone() -> None:
    for value in (None, 1, 1.5, True):
        assert SCOPE.fill(value) is value


def test_unknown_names_are_told() -> None:
    assert unknown_templates("{{sandbox}} {{nobody}} {{{{x}} {% {{y}} %} {{ a b }}") == [
        "nobody",
        "a b",
    ]


def test_a_scope_without_a_sandbox_reads_like_what_is_written() -> None:
    assert Scope("etl").owner == "etl@{{sandbox}}"
    assert Scope("etl").arn("lambda", "x") == "arn:aws:lambda:{{region}}:{{account}}:x"
    assert SCOPE.functor == "etl@bob.dev/1.2.3"
    assert SCOPE.role_path == "/tc/eu-west-1/etl/bob/"


def test_the_user_cannot_write_the_owner_s_mark() -> None:
    scope = Scope("etl", "bob", tags={"tc:functor": "evil", "sandbox": "evil", "team": "a"})
    assert scope.marks["tc:functor"] == "etl@bob"
    assert scope.marks["sandbox"] == "bob"
    assert own_tags({**scope.marks, "aws:x": "y"}) == {"team": "a"}
