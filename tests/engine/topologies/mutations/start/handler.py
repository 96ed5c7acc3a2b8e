def handler(event, context):
    given = event["arguments"]["input"]
    if given["id"] == "bad":
        raise ValueError("no such run")
    return {**given, "status": "started"}
