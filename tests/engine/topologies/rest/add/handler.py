def handler(event, context):
    return {**event, "sum": event["number"] + 1}
