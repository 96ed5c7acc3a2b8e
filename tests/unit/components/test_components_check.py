"""What AWS would refuse, said before it is asked."""

from __future__ import annotations

import json

import pytest
from composing import Directory

from tc.components import by_kind, kinds, sections
from tc.spec.base import SECTION_KINDS

POOL = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_a"
ROUTES = [
    ("{a: {function: one}}", "no-path"),
    ("{a: {path: a, function: one}}", "bad-path"),
    ("{/a b: {path: '/a b', function: one}}", "bad-path"),
    ("{'/a//b': {function: one}}", "bad-path"),
    ("{/a: {}}", "no-target"),
    ("{/a: {function: one, event: E}}", "targets"),
    ("{/a: {function: one, method: GET, methods: [PUT]}}", "both"),
    ("{/a: {function: one}, b: {path: /a, function: one}}", "duplicate-route"),
    ("{/a: {function: one, methods: [GET, POST]}, GET /a: {function: one}}", "duplicate-route"),
    ("{/a: {function: one, kind: http, async: true}}", "needs-rest"),
    ("{/a: {function: one, kind: http, request_template: merged}}", "needs-rest"),
    (
        "{/a: {function: one, kind: http, response_params: {method.response.header.X: b}}}",
        "needs-rest",
    ),
    ("{/a: {function: one, gateway: g, kind: http, cors: true}}", "needs-rest"),
    ("{/a: {function: one, kind: http, cors: true}, /b: {function: one}}", "needs-rest"),
    ("{/a: {function: one, kind: http, authorizer: {cognito: '" + POOL + "'}}}", "needs-rest"),
    (
        "{/a: {kind: rest, function: one, authorizer: {jwt: {issuer: 'http://i', audience: [a]}}}}",
        "needs-http",
    ),
    (
        "{/a: {function: one, kind: rest, cors: {origins: ['https://a.b', 'https://c.d']}}}",
        "needs-http",
    ),
    ("{/a: {function: one, authorizer: nobody}}", "unknown-name"),
    ("{/a: {function: one, authorizer: cognito}}", "unknown-name"),
    ("{/a: {function: one, authorizer: {}}}", "both"),
    (
        "{/a: {function: one, authorizer: {jwt: {issuer: 'https://i', audience: []}}}}",
        "invalid-value",
    ),
    ("{/a: {function: one, cors: {origins: [here]}}}", "invalid-value"),
    ("{/a: {function: one, stage: a}, /b: {function: one, stage: b}}", "disagree"),
    ("{/a: {function: one, stage: a/b}}", "bad-name"),
    ("{/a: {function: one, kind: rest, stage: $default}}", "bad-name"),
    ("{/a: {function: one, stage_variables: {a-b: x}}}", "invalid-value"),
    ("{/a: {function: one, gateway: g, stage_variables: {a: x}}}", "shared-gateway"),
    ("{/a: {function: one, request_params: {X: y}}}", "invalid-key"),
    ("{/a: {function: one, response_params: {X: y}}}", "invalid-key"),
    ("{/a: {function: one, kind: rest, timeout: 30}}", "timeout"),
]
EVENTS = [
    ("{F: {functions: [a1, a2, a3, a4, a5, a6]}}", "too-many-targets"),
    ("{F: {producer: x, producers: [y], function: one}}", "both"),
    ("{F: {producer: bucket/PUT, function: one}}", "not-yet"),
    ("{F: {bus: 'a b', function: one}}", "bad-name"),
    ("{F: {rule_name: 'a b', function: one}}", "bad-name"),
    ("{Order Created: {function: one}}", "bad-name"),
    ("{F: {rule_name: r, function: one}, G: {rule_name: r, function: one}}", "duplicate-name"),
    ("{F: {pattern: {}, function: one}}", "bad-pattern"),
    ("{F: {pattern: '[1]', function: one}}", "bad-pattern"),
    ("{F: {filter: {a: b}, function: one}}", "bad-pattern"),
]
FUNCTIONS = [
    ("{one: {runtime: {environment: {AWS_REGION: x}}}}", "bad-variable"),
    ("{one: {runtime: {environment: {1A: x}}}}", "bad-variable"),
    (f"{{one: {{runtime: {{environment: {{BIG: {'x' * 4096}}}}}}}}}", "environment-too-long"),
    ("{one: {runtime: {layers: [a, b, c, d, e, f]}}}", "too-many-layers"),
]


@pytest.mark.parametrize(
    ("section", "text", "code"),
    [
        *[("routes", *case) for case in ROUTES],
        *[("events", *case) for case in EVENTS],
        *[("functions", *case) for case in FUNCTIONS],
    ],
)
def test_what_aws_would_refuse(directory: Directory, section: str, text: str, code: str) -> None:
    events = "" if section == "events" else "events: {E: {}}\n"
    directory.write(f"name: etl\n{events}{section}: {text}\n", "one a1 a2 a3 a4 a5 a6")
    findings = directory.findings()
    assert [finding.code for finding in findings] == [code]
    assert findings[0].address.path[0] == section


GOOD = [
    "routes: {/: {function: one}}",
    "routes: {'/a/{id}/{rest+}': {function: one}, GET /a: {function: one}}",
    "routes: {/a: {function: one}, b: {path: /a, method: GET, function: one}}",
    "routes: {/a: {function: one}, b: {path: /a, gateway: g, function: one}}",
    "routes: {/a: {function: one, timeout: 30}, /b: {proxy: none}, c: {doc_only: true}}",
    "events: {Order Created: {doc_only: true}, Other Name: {}}",
    "events: {F: {rule_name: r, function: one}, G: {rule_name: r, bus: b, function: one}}",
    'events: {F: {pattern: \'{"source": ["x"]}\', filter: {a: [b]}, function: one}}',
]


@pytest.mark.parametrize("text", GOOD)
def test_what_aws_takes(directory: Directory, text: str) -> None:
    assert directory.write(f"name: etl\n{text}\n", "one").findings() == []


def test_the_301st_route_is_too_many(directory: Directory) -> None:
    routes = {f"/r{number}": {"function": "one"} for number in range(301)}
    directory.write(f"name: etl\nroutes: {json.dumps(routes)}\n", "one")
    assert [finding.code for finding in directory.findings()] == ["too-many-routes"]


def test_a_policy_over_its_limit(directory: Directory) -> None:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["x" * 10_300]}
    files = {"infrastructure/tc/etl/roles/one.json": json.dumps({"Statement": [statement]})}
    directory.write("name: etl\n", "one", files)
    assert [finding.code for finding in directory.findings()] == ["policy-too-long"]


def test_every_kind_has_one_name_and_one_plural() -> None:
    assert len({component.KIND for component in kinds()}) == len(kinds()) == len(by_kind())
    assert len({component.PLURAL for component in kinds()}) == len(kinds())
    assert set(sections()) <= set(SECTION_KINDS)
    for component in kinds():
        for fields in component.ASPECTS.values():
            assert fields


def test_events_stay_in_their_sandbox(directory: Directory) -> None:
    from tc.components.event_model import pattern

    directory.write(
        "name: etl\nevents:\n  E: {producers: [a, b], filter: {x: [1]}, function: one}\n"
        "  F: {pattern: {source: [s], resources: [r]}, function: one}\n",
        "one",
    )
    topology = directory.topology()
    found = {e.name: pattern(topology, e) for e in topology.entries["events"].values()}
    assert found["E"] == {
        "source": ["a", "b"],
        "detail-type": ["E"],
        "detail": {"x": [1]},
        "resources": [
            {"exists": False},
            {"anything-but": {"prefix": "tc:sandbox:"}},
            "tc:sandbox:bob",
        ],
    }
    assert found["F"] == {"source": ["s"], "resources": ["r"]}
