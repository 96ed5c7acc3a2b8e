def handler(event, context):
    return {"number": 2 * int(event["number"])}
