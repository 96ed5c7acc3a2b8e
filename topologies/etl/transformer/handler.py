def handler(event, context):
    return {"data": {"transformed": event.get("data")}}
