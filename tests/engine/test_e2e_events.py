"""Events from one topology to another, over a bus that they share, in two sandboxes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from e2e_support import Lab, Project, copied, deployed

pytestmark = pytest.mark.engine

PATTERNS = Path(__file__).parents[1] / "unit" / "compose" / "patterns.json"


def below(project: Project, name: str) -> Project:
    return replace(project, root=project.root / name)


def put(lab: Lab, kind: str, source: str, detail: Any, *resources: str) -> None:
    entry = {"DetailType": kind, "Source": source, "Detail": json.dumps(detail)}
    entry |= {"EventBusName": "wires", "Resources": list(resources)}
    assert lab.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def messages(lab: Lab, queue: str, count: int = 1) -> list[Any]:
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found: list[Any] = []
    end = time.monotonic() + 10
    while len(found) < count and time.monotonic() < end:
        got = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=1)
        found += got.get("Messages", [])
    assert len(found) == count
    return found


def test_what_one_topology_puts_another_gets_in_its_sandbox_only(lab: Lab, tmp_path: Path) -> None:
    wires = copied(lab, "wires", tmp_path)
    shop, mail = below(wires, "shop"), below(wires, "mail")
    alice = mail.in_sandbox("alice")
    with deployed(mail), deployed(alice), deployed(shop):
        order = '{"order": "o1", "price": 4}'
        shop.tc("invoke", "--sync", "-c", "flow/place", "--payload", order)
        assert lab.wait_logged("mail_send_bob") == ["send Placed o1"]
        cheap = '{"order": "o2", "price": 3}'
        shop.tc("invoke", "--sync", "-c", "flow/place", "--payload", cheap)
        said = shop.tc(
            "invoke", "--sync", "--json", "-c", "functions/refund", "--payload", '{"order": "o3"}'
        )
        assert said.named("result")[0]["output"] == 0
        assert lab.wait_logged("mail_send_bob", 2)[1] == "send Refunded o3"
        assert lab.wait_logged("mail_audit_bob") == ["audit Refunded o3"]

        put(lab, "Refunded", "till", {"order": "o4"})
        assert lab.wait_logged("mail_audit_alice") == ["audit Refunded o4"]
        assert lab.wait_logged("mail_audit_bob", 2)[1] == "audit Refunded o4"
        put(lab, "Refunded", "till", {"order": "o5"}, "tc:sandbox:alice")
        assert lab.wait_logged("mail_audit_alice", 2)[1] == "audit Refunded o5"
        assert lab.logged("mail_send_bob") == [
            "send Placed o1",
            "send Refunded o3",
            "send Refunded o4",
        ]
        assert lab.logged("mail_audit_bob") == ["audit Refunded o3", "audit Refunded o4"]

        put(lab, "Inbox", "till", {"order": "o6"}, "tc:sandbox:bob")
        (letter,) = messages(lab, "mail_letters_bob")
        assert json.loads(letter["Body"])["detail"] == {"order": "o6"}
    buses = lab.client("events").list_event_buses()["EventBuses"]
    assert [bus["Name"] for bus in buses] == ["default"]


def test_what_fails_is_tried_again_and_what_cannot_be_delivered_is_kept(
    lab: Lab, tmp_path: Path
) -> None:
    mail = below(copied(lab, "wires", tmp_path), "mail")
    with deployed(mail):
        put(lab, "Refunded", "till", {"order": "o1", "broken": True})
        lab.client("lambda").delete_function(FunctionName="mail_audit_bob")
        put(lab, "Refunded", "till", {"order": "o2"})
        (letter,) = messages(lab, "mail_Refunded-dlq_bob")
        assert json.loads(letter["Body"])["detail"] == {"order": "o2"}
        told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
        assert told["TARGET_ARN"].endswith(":function:mail_audit_bob")
        assert told["RULE_ARN"].endswith(":rule/wires/tc_mail_Refunded_bob")
        failed = [line for line in lab.wait_logged("mail_send_bob", 4) if line.startswith("send")]
        end = time.monotonic() + 10
        while failed.count("send Refunded o1") < 3 and time.monotonic() < end:
            time.sleep(0.1)
            failed = lab.logged("mail_send_bob")
        assert failed.count("send Refunded o1") == 3
        assert failed.count("send Refunded o2") == 1
        mail.create()


def test_one_field_is_one_call(lab: Lab, tmp_path: Path) -> None:
    wires = copied(lab, "wires", tmp_path, env="aws")
    mail = below(wires, "mail")
    edits = [
        ("'>', 10", "'>', 20", "~ event Placed pattern.detail.total.0.numeric.1", "put_rule"),
        (
            "retries: 2",
            "retries: 3",
            "~ event Refunded targets.function.send.retries targets.function.audit.retries",
            "put_targets",
        ),
    ]
    with deployed(mail):
        for old, new, planned, call in edits:
            mail.edit("topology.yml", old, new)
            assert mail.plan() == [planned]
            with lab.proxy.counting() as calls:
                mail.tc("update", "-c", "events")
            assert [made.name for made in calls if made.writes] == [call]
            mail.same()


def test_patterns_are_checked_as_the_engine_checks_them(lab: Lab) -> None:
    events, samples = lab.client("events"), json.loads(PATTERNS.read_text())
    event = {"id": "1", "account": "1", "source": "s", "time": "2026-01-01T00:00:00Z"}
    event |= {"region": "r", "detail-type": "T"}
    body = json.dumps({**event, "resources": [], "detail": {}})
    for pattern in samples["good"]:
        events.test_event_pattern(EventPattern=json.dumps(pattern), Event=body)
    for pattern, _ in samples["bad"]:
        with pytest.raises(ClientError, match="InvalidEventPatternException"):
            events.test_event_pattern(EventPattern=json.dumps(pattern), Event=body)
