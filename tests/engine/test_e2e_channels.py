"""Channels: what is published, by whom, and who gets it."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Answer, Lab, copied, deployed
from live_socket import LiveSocket, key_header

pytestmark = pytest.mark.engine


class Live:
    """The sandbox's Event API, as the engine tells it."""

    def __init__(self, lab: Lab):
        self.lab = lab
        appsync = lab.client("appsync")
        (api,) = appsync.list_apis()["apis"]
        (key,) = appsync.list_api_keys(apiId=api["apiId"])["apiKeys"]
        self.id, self.key = api["apiId"], key["id"]
        self.root = f"127.0.0.1:{lab.port}/_aws/appsync/{self.id}/event"

    def publish(self, channel: str, event: Any, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(f"127.0.0.1:{self.lab.port}", timeout=20)
        body = json.dumps({"channel": channel, "events": [json.dumps(event)]})
        said = headers or {"x-api-key": self.key}
        connection.request("POST", f"/_aws/appsync/{self.id}/event", body, said)
        got = connection.getresponse()
        return Answer(got.status, got.read().decode(), {})

    def socket(self, *channels: str) -> LiveSocket:
        token = {"Authorization": "sesame", "x-api-key": self.key}
        said = key_header(token)
        socket = LiveSocket(f"ws://{self.root}/realtime", "aws-appsync-event-ws", said)
        socket.send(type="connection_init")
        socket.next("connection_ack")
        for channel in channels:
            socket.send(
                type="subscribe", id=channel, channel=f"/{channel}/default", authorization=token
            )
            socket.next("subscribe_success")
        return socket


def heard(socket: LiveSocket) -> tuple[str, Any]:
    data = socket.next("data")
    return data["id"], json.loads(data["event"])


def test_events_results_and_publications_reach_subscribers(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "channels", tmp_path)
    with deployed(project):
        live = Live(lab)
        with live.socket("updates", "chat", "talk", "censored", "loud") as socket:
            detail = {"n": 1, "note": 'it\'s "quoted", \\ and ü'}
            entry = {"Source": "app", "DetailType": "Notify", "Detail": json.dumps(detail)}
            lab.client("events").put_events(Entries=[entry])
            assert heard(socket) == ("updates", detail)

            project.tc("invoke", "--sync", "-c", "flow/report", "--payload", '{"number": 21}')
            assert heard(socket) == ("updates", {"report": 42, "note": 'it\'s "quoted"'})

            assert live.publish("/chat/default", {"text": "hi"}).status == 200
            assert heard(socket) == ("chat", {"text": "hi"})
            assert lab.wait_logged("live_worker_bob") == ["channel /chat/default {'text': 'hi'}"]

            live.publish("/talk/default", {"text": "ho"})
            assert heard(socket) == ("talk", {"text": "ho"})
            logged = lab.wait_logged("live_worker_bob", 2)[1]
            assert logged == "event Said {'text': 'ho'} ['tc:sandbox:bob']"

            refused = live.publish("/censored/default", {"text": "damn"}).json
            assert refused["failed"][0]["errorMessage"] == "mind your words"
            live.publish("/censored/default", {"text": "well"})
            assert heard(socket) == ("censored", {"text": "well"})

            live.publish("/loud/default", {"text": "ho"})
            assert heard(socket) == ("loud", {"text": "HO"})


def test_only_who_may_publishes(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "channels", tmp_path)):
        live = Live(lab)
        assert live.publish("/chat/default", {}, **{"x-api-key": "da2-other"}).status == 401
        assert live.publish("/chat/default", {}, accept="*/*").status == 401
        assert live.publish("/closed/default", {}).status == 401
        assert live.publish("/closed/default", {}, authorization="guess").status == 401
        with live.socket("closed") as socket:
            assert live.publish("/closed/default", {"n": 1}, authorization="sesame").status == 200
            assert heard(socket) == ("closed", {"n": 1})


def test_no_command_tells_the_key_and_an_edit_changes_only_its_channel(
    lab: Lab, tmp_path: Path
) -> None:
    project = copied(lab, "channels", tmp_path)
    with deployed(project):
        key = Live(lab).key
        project.edit("topology.yml", "sync: true", "sync: false")
        assert project.plan() == ["~ channel censored on_publish.invoke"]
        said = [project.tc("diff").text, project.tc("list").text, project.tc("resolve").text]
        assert not any(key in text for text in said)
        project.tc("update", "-c", "channels/censored")
        assert Live(lab).key == key
    assert lab.client("events").list_connections()["Connections"] == []
    assert lab.client("appsync").list_apis()["apis"] == []


def test_a_lost_key_is_made_anew_and_the_connection_gets_it(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "channels", tmp_path)
    with deployed(project):
        live = Live(lab)
        lab.client("appsync").delete_api_key(apiId=live.id, id=live.key)
        assert project.plan() == ["~ channel api live_bob api_key", "~ connection live_bob api_key"]
        project.tc("update", "-c", "channels")
        again = Live(lab)
        assert again.key != live.key
        with again.socket("updates") as socket:
            entry = {"Source": "app", "DetailType": "Notify", "Detail": '{"n": 2}'}
            lab.client("events").put_events(Entries=[entry])
            assert heard(socket) == ("updates", {"n": 2})
