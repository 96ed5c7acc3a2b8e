"""Takes an order as it comes in, by HTTP or as an event, and gives it an id."""

import hashlib
import json


def handler(event, context):
    order = json.loads(event["body"]) if "body" in event else event.get("detail", event)
    text = json.dumps(order, sort_keys=True)
    return {"id": hashlib.sha256(text.encode()).hexdigest()[:8], **order}
