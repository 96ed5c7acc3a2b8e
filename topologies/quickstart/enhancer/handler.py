"""Takes an order as it comes in, by HTTP or as an event, and gives it an id."""

import base64
import hashlib
import json


def handler(event, context):
    order = http_body(event) if "requestContext" in event else event.get("detail", event)
    text = json.dumps(order, sort_keys=True)
    return {"id": hashlib.sha256(text.encode()).hexdigest()[:8], **order}


def http_body(event):
    body = event.get("body") or "{}"
    return json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
