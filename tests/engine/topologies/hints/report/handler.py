def handler(event, context):
    return {"images": event, "pixels": sum(event)}
