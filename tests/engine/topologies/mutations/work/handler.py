def handler(event, context):
    return {"id": event["id"], "status": "worked"}
