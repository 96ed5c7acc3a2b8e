def handler(event, context):
    return {**event, "number": 2 * int(event["number"])}
