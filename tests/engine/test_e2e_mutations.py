"""Mutations: over HTTP to a function, a table and an event, from an event to subscribers."""

from __future__ import annotations

import base64
import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Lab, copied, deployed
from live_socket import LiveSocket

pytestmark = pytest.mark.engine


class Graph:
    """The sandbox's GraphQL API, as the engine tells it."""

    def __init__(self, lab: Lab):
        self.port = lab.port
        appsync = lab.client("appsync")
        (api,) = appsync.list_graphql_apis()["graphqlApis"]
        keys = appsync.list_api_keys(apiId=api["apiId"])["apiKeys"]
        self.id = api["apiId"]
        self.key = keys[0]["id"] if keys else ""
        self.path = f"/_aws/appsync/{self.id}/graphql"

    def ask(self, query: str, **headers: str) -> Any:
        connection = http.client.HTTPConnection(f"127.0.0.1:{self.port}", timeout=20)
        body = json.dumps({"query": query})
        connection.request("POST", self.path, body, headers or {"x-api-key": self.key})
        return json.loads(connection.getresponse().read())

    def socket(self) -> LiveSocket:
        said = base64.b64encode(json.dumps({"x-api-key": self.key}).encode()).decode()
        url = f"ws://127.0.0.1:{self.port}{self.path}/realtime?header={said}&payload=e30="
        return LiveSocket(url, "graphql-ws")


def test_mutations_do_what_their_resolvers_say(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "mutations", tmp_path)):
        graph = Graph(lab)
        got = graph.ask('mutation { start(input: {id: "a"}) { id status } }')
        assert got == {"data": {"start": {"id": "a", "status": "started"}}}
        failed = graph.ask('mutation { start(input: {id: "bad"}) { id } }')
        assert failed["data"] == {"start": None}
        assert failed["errors"][0]["message"] == "no such run"
        assert "errors" in graph.ask("mutation { start(input: {number: 1}) { id } }")
        refused = graph.ask('mutation { start(input: {id: "a"}) { id } }', **{"x-api-key": "x"})
        assert refused["errors"][0]["errorType"] == "UnauthorizedException"

        kept = graph.ask('mutation { keep(input: {id: "i", text: "t"}) { id text updatedAt } }')
        assert kept["data"]["keep"]["text"] == "t"
        assert kept["data"]["keep"]["updatedAt"]
        found = graph.ask('{ getItem(id: "i") { id text } }')
        assert found == {"data": {"getItem": {"id": "i", "text": "t"}}}
        # a table that holds data would be kept
        item = {"TableName": "runs_items_bob", "Key": {"id": {"S": "i"}}}
        assert lab.client("dynamodb").delete_item(**item, ReturnValues="ALL_OLD")["Attributes"]

        said = graph.ask('mutation { say(input: {id: "s", text: "hello"}) { text } }')
        assert said == {"data": {"say": {"text": "hello"}}}
        assert lab.wait_logged("runs_record_bob") == ["s hello ['tc:sandbox:bob']"]


def test_events_and_results_are_mutations_that_subscribers_hear_of(
    lab: Lab, tmp_path: Path
) -> None:
    project = copied(lab, "mutations", tmp_path)
    with deployed(project):
        graph = Graph(lab)
        with graph.socket() as socket:
            socket.send(type="connection_init")
            socket.next("connection_ack")
            query = "subscription { subscribeFinish { id status } }"
            said = {"authorization": {"x-api-key": graph.key}}
            payload = {"data": json.dumps({"query": query, "variables": {}}), "extensions": said}
            socket.send(id="1", type="start", payload=payload)
            socket.next("start_ack")
            note = 'done, "really"'
            detail = json.dumps({"id": "r1", "status": note})
            entry = {"Source": "app", "DetailType": "Finished", "Detail": detail}
            lab.client("events").put_events(Entries=[entry])
            data = socket.next("data")
            assert data["payload"]["data"] == {"subscribeFinish": {"id": "r1", "status": note}}
            project.tc("invoke", "--payload", '{"id": "r2"}', "-c", "flow/work")
            data = socket.next("data")
            assert data["payload"]["data"] == {"subscribeFinish": {"id": "r2", "status": "worked"}}


def test_a_changed_type_changes_the_schema_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "mutations", tmp_path)
    with deployed(project):
        key = Graph(lab).key
        project.edit("schema.yml", "Item: { id: ID!, text: String }", "Item: { id: ID!, text: ID }")
        assert project.plan() == ["~ mutation api runs_bob schema.type Item.text"]
        assert key not in project.tc("diff").text + project.tc("list").text
        project.tc("update", "-c", "mutations")
        assert Graph(lab).key == key
        project.edit("resolvers.yml", "{ event: Said, input", "{ input")
        plan = project.plan("-c", "mutations")
        assert plan == ["~ mutation say source.type source.target source.role javascript"]
        project.tc("update")
    assert lab.client("appsync").list_graphql_apis()["graphqlApis"] == []


def test_a_function_says_who_may_call(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "mutations", tmp_path)
    with (project.root / "resolvers.yml").open("a") as file:
        file.write("authorizer: check\n")
    with deployed(project):
        graph = Graph(lab)
        asked = 'mutation { start(input: {id: "a"}) { id } }'
        assert graph.ask(asked, authorization="sesame") == {"data": {"start": {"id": "a"}}}
        assert graph.ask(asked, authorization="guess")["errors"]
