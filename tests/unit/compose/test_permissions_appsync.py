"""What channels, mutations and those who use them may do: every edge's exact statement."""

from __future__ import annotations

import pytest
from composing import Directory, codes

from tc.spec.topology import RoleSpec

AT = "eu-west-1:111122223333"
TEXT = """
name: live
functions:
  worker: {}
  reporter: {channel: updates}
  finisher: {mutation: tell}
  user:
    runtime:
      environment: {CHANNEL: '{{channels.talk.url}}', API: '{{mutations.start.url}}'}
events:
  Notify: {producer: app, channel: updates}
  Finished: {producer: app, mutation: start}
  Said: {producer: app, bus: orders}
tables: {items: {key: id}}
channels:
  updates: {}
  chat: {function: worker}
  talk: {on_publish: {event: Said}}
mutations:
  types: {Run: {id: ID!}}
  inputs: {RunInput: {id: ID!}}
  resolvers:
    start: {function: worker, input: RunInput, output: Run}
    say: {event: Said, input: RunInput, output: Run}
    keep: {table: items, input: RunInput, output: Run}
    tell: {input: RunInput, output: Run}
"""


@pytest.fixture
def roles(directory: Directory) -> dict[str, RoleSpec]:
    topology = directory.write(TEXT, "worker reporter finisher user").topology()
    return {role.name: role for role in topology.roles}


def documents(role: RoleSpec) -> list[dict[str, object]]:
    found = []
    for statement in role.statements:
        document = statement.document()
        document["Resource"] = [str(one) for one in document["Resource"]]
        found.append({key: value for key, value in document.items() if key != "Effect"})
    return found


def test_appsync_calls_what_a_channel_and_a_mutation_name(roles: dict[str, RoleSpec]) -> None:
    worker = f"arn:aws:lambda:{AT}:function:live_worker_bob"
    invoke = [{"Action": ["lambda:InvokeFunction"], "Resource": [worker, f"{worker}:*"]}]
    bus = f"arn:aws:events:{AT}:event-bus/orders"
    put = [{"Action": ["events:PutEvents"], "Resource": [bus]}]
    table = f"arn:aws:dynamodb:{AT}:table/live_items_bob"
    keep = [{"Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": [table]}]
    for name, expected in {
        "channel.chat": invoke,
        "channel.talk": put,
        "mutation.start": invoke,
        "mutation.say": put,
        "mutation.keep": keep,
    }.items():
        assert documents(roles[name]) == expected, name
        assert roles[name].service == "appsync.amazonaws.com"
    assert "channel.updates" not in roles
    assert "mutation.tell" not in roles


def test_a_feed_publishes_with_the_key_of_its_connection(roles: dict[str, RoleSpec]) -> None:
    assert roles["feed.updates"].service == "states.amazonaws.com"
    assert documents(roles["feed.updates"]) == [
        {
            "Action": ["states:InvokeHTTPEndpoint"],
            "Resource": [f"arn:aws:states:{AT}:stateMachine:live_channel-updates_bob"],
            "Condition": {
                "StringEquals": {"states:HTTPMethod": "POST"},
                "StringLike": {
                    "states:HTTPEndpoint": ("https://*.appsync-api.eu-west-1.amazonaws.com/event")
                },
            },
        },
        {
            "Action": ["events:RetrieveConnectionCredentials"],
            "Resource": [f"arn:aws:events:{AT}:connection/live_bob/*"],
        },
        {
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": [f"arn:aws:secretsmanager:{AT}:secret:events!connection/live_bob/*"],
        },
    ]
    assert not [name for name in roles if name.startswith("feed.") and name != "feed.updates"]


def test_events_and_chains_start_the_feed_and_call_the_field(roles: dict[str, RoleSpec]) -> None:
    feed = f"arn:aws:states:{AT}:stateMachine:live_channel-updates_bob"
    start = {"Action": ["states:StartExecution"], "Resource": [feed]}
    assert documents(roles["event.Notify"]) == [start]
    assert start in documents(roles["flow.reporter"])
    field = "(known after create)/types/Mutation/fields/start"
    call = {"Action": ["appsync:GraphQL"], "Resource": [field]}
    assert documents(roles["event.Finished"]) == [call]


def test_a_chain_puts_its_result_on_the_bus_and_a_rule_calls_the_field(
    roles: dict[str, RoleSpec],
) -> None:
    bus = f"arn:aws:events:{AT}:event-bus/default"
    assert {"Action": ["events:PutEvents"], "Resource": [bus]} in documents(roles["flow.finisher"])
    field = "(known after create)/types/Mutation/fields/tell"
    call = {"Action": ["appsync:GraphQL"], "Resource": [field]}
    assert documents(roles["event.mutation.tell"]) == [call]
    assert roles["event.mutation.tell"].service == "events.amazonaws.com"
    assert "event.mutation.start" not in roles


def test_a_function_with_an_address_may_use_just_that(roles: dict[str, RoleSpec]) -> None:
    own = documents(roles["user"])[1:]
    assert own == [
        {
            "Action": ["appsync:EventConnect", "appsync:EventPublish"],
            "Resource": ["(known after create)", "(known after create)/channelNamespace/talk"],
        },
        {
            "Action": ["appsync:GraphQL"],
            "Resource": ["(known after create)/types/Mutation/fields/start"],
        },
    ]


BAD = [
    ("updates: {}", "up_dates: {}", ["unknown-name", "unknown-name", "bad-name"]),
    ("function: worker}\n  talk", "function: worker, on_publish: {}}\n  talk", ["both"]),
    ("{event: Said}", "{event: Said, function: worker}", ["both"]),
    ("talk: {on_publish", "talk: {on_subscribe", ["invalid-value"]),
    ("updates: {}", "updates: {on_publish: {sync: true}}", ["missing-key"]),
    ("updates: {}", "updates: {on_publish: {code: 'export const x = 1'}}", ["no-code"]),
    ("updates: {}", "updates: {authorizer: nobody}", ["unknown-name"]),
    ("chat: {function: worker}", "chat: {function: reporter}", ["bad-target"]),
    (
        "updates: {}\n  chat: {function: worker}",
        "updates: {authorizer: worker}\n  chat: {authorizer: user}",
        ["both"],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), BAD)
def test_what_appsync_refuses_of_channels_is_told(
    directory: Directory, old: str, new: str, expected: list[str]
) -> None:
    assert TEXT.count(old) == 1
    found = directory.write(TEXT.replace(old, new), "worker reporter finisher user").findings()
    assert codes(found) == expected


def test_a_channel_more_than_an_api_takes_is_told(directory: Directory) -> None:
    channels = "".join(f"  c{i}: {{}}\n" for i in range(51))
    (finding,) = directory.write(f"name: live\nchannels:\n{channels}").findings()
    assert finding.code == "too-many-channels"
    assert finding.address.path == ("channels", "c50")
