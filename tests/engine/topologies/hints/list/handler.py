def handler(event, context):
    return {"images": event["sizes"]}
