def handler(event, context):
    return {"by": "WHO"}
