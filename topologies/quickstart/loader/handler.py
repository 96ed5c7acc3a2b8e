"""Says what it would store."""


def handler(event, context):
    print(f"order {event['id']} loaded, total {event['total']}")
    return {"status": "loaded", "id": event["id"], "total": event["total"]}
