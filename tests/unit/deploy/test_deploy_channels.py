"""Channels on the account in memory: made, found unchanged, changed alone, gone."""

from __future__ import annotations

import time

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

from tc.errors import TcError

TEXT = """
name: live
functions: {worker: {}, guard: {}}
events:
  Notify: {producer: app, channel: updates}
  Said: {producer: app, function: worker}
channels:
  updates: {}
  chat: {function: worker}
  talk: {on_publish: {event: Said}}
  closed: {authorizer: guard}
"""


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def deployed(directory: Directory, aws: FakeAws, text: str = TEXT) -> None:
    topology = directory.write(text, "worker guard").topology()
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_a_sandbox_has_one_api_and_leaves_nothing(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.event_apis.values()
    assert api["api"]["name"] == "live_bob"
    assert api["api"]["tags"]["tc:functor"] == "live@bob"
    assert sorted(api["spaces"]) == ["chat", "closed", "talk", "updates"]
    assert sorted(api["sources"]) == ["on_publish__chat", "on_publish__talk"]
    assert "live_channel-updates_bob" in aws.machines
    assert delete(aws, directory.topology()).ok
    assert aws.is_empty()


HANDLER = ("type", "target", "role", "behavior", "invoke")
EDITS = [
    (
        "chat: {function: worker}",
        "chat: {on_publish: {function: worker, sync: true}}",
        ["~ channel chat: on_publish.invoke"],
        ["appsync.update_channel_namespace"],
    ),
    (
        "chat: {function: worker}",
        "chat: {}",
        [
            "- role tc_live_channel.chat_bob_eu-west-1",
            f"~ channel chat: {', '.join(f'on_publish.{field}' for field in HANDLER)}",
        ],
        [
            "appsync.update_channel_namespace",
            "appsync.delete_data_source",
            "iam.delete_role_policy",
            "iam.delete_role",
        ],
    ),
    (
        "updates: {}",
        "updates: {on_publish: {code: 'export function onPublish(ctx) {}'}}",
        ["~ channel updates: javascript"],
        ["appsync.update_channel_namespace"],
    ),
    (
        "  closed: {authorizer: guard}\n",
        "",
        [
            "- channel closed",
            "- permission live_guard_bob for channel authorizer",
            "~ channel api live_bob: authorization, authorizer",
        ],
        [
            "appsync.update_api",
            "lambda.remove_permission",
            "appsync.delete_channel_namespace",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "steps", "calls"), EDITS)
def test_an_edit_changes_only_what_it_is_about(
    directory: Directory,
    aws: FakeAws,
    old: str,
    new: str,
    steps: list[str],
    calls: list[str],
) -> None:
    deployed(directory, aws)
    assert TEXT.count(old) == 1
    topology = directory.write(TEXT.replace(old, new), "worker guard").topology()
    assert work(plan(aws, topology)) == sorted(steps)
    aws.forget()
    assert create(aws, topology).ok
    assert sorted(aws.writes()) == sorted(calls)
    settled(aws, topology)


def test_what_the_user_set_of_the_api_stays(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.event_apis.values()
    api["api"]["ownerContact"] = "team"
    api["api"]["eventConfig"]["logConfig"] = {"logLevel": "ERROR"}
    text = TEXT.replace("  closed: {authorizer: guard}\n", "")
    assert create(aws, directory.write(text, "worker guard").topology()).ok
    assert api["api"]["ownerContact"] == "team"
    assert api["api"]["eventConfig"]["logConfig"] == {"logLevel": "ERROR"}
    assert api["api"]["eventConfig"]["authProviders"] == [{"authType": "API_KEY"}]


def test_taking_out_every_channel_takes_the_api_along(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    text = "name: live\nfunctions: {worker: {}, guard: {}}\n"
    topology = directory.write(text, "worker guard").topology()
    assert create(aws, topology, "channels").ok
    assert not aws.event_apis
    assert not aws.connections
    assert create(aws, topology).ok
    settled(aws, topology)


def test_the_key_is_prolonged_before_it_ends_and_stays_the_same(
    directory: Directory, aws: FakeAws
) -> None:
    deployed(directory, aws)
    (api,) = aws.event_apis.values()
    (key,) = api["keys"].values()
    assert key["expires"] > time.time() + 300 * 86_400
    key["expires"] = int(time.time()) + 29 * 86_400
    before = key["id"]
    topology = directory.topology()
    assert work(plan(aws, topology)) == ["~ channel api live_bob: api_key"]
    aws.forget()
    assert create(aws, topology).ok
    assert aws.writes() == ["appsync.update_api_key"]
    assert [one["id"] for one in api["keys"].values()] == [before]
    settled(aws, topology)


def test_the_key_stands_in_no_plan(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.event_apis.values()
    (key,) = api["keys"]
    auth = aws.connections["live_bob"]["AuthParameters"]["ApiKeyAuthParameters"]
    assert auth == {"ApiKeyName": "x-api-key", "ApiKeyValue": key}
    assert key not in repr(plan(aws, directory.topology()).plan)
    assert key not in aws.connections["live_bob"]["Description"]


def test_what_somebody_changed_is_seen_and_put_right(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.event_apis.values()
    api["spaces"]["chat"]["publishAuthModes"] = [{"authType": "AWS_IAM"}]
    del api["sources"]["on_publish__talk"]
    topology = directory.topology()
    drifted = work(plan(aws, topology))
    assert drifted[0] == "~ channel chat: publish.0"
    assert drifted[1].startswith("~ channel talk: on_publish.type")
    assert create(aws, topology).ok
    settled(aws, topology)


def test_a_source_without_its_channel_is_gone_on_with(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.event_apis.values()
    del api["spaces"]["chat"]
    topology = directory.topology()
    assert create(aws, topology).ok
    assert "chat" in api["spaces"]
    settled(aws, topology)


@pytest.mark.parametrize("taken", ["api", "connection"])
def test_a_foreign_thing_of_the_name_stops_the_run(
    directory: Directory, aws: FakeAws, taken: str
) -> None:
    if taken == "api":
        config = {"authProviders": [], "connectionAuthModes": []}
        aws.appsync_create_api("live_bob", {}, config)
    else:
        aws.events_create_connection("live_bob", Description="mine")
    with pytest.raises(TcError) as caught:
        create(aws, directory.write(TEXT, "worker guard").topology())
    assert caught.value.code == "not-owned"
    assert aws.writes() == []


def test_looking_costs_the_same_however_many_channels_there_are(
    directory: Directory, aws: FakeAws
) -> None:
    def reads(count: int) -> int:
        channels = "".join(f"  c{i}: {{}}\n" for i in range(count))
        topology = directory.write(f"name: live\nchannels:\n{channels}").topology()
        create(aws, topology)
        aws.forget()
        plan(aws, topology)
        return len(aws.calls)

    assert reads(2) == reads(20)
