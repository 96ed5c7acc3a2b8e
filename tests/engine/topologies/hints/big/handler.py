def handler(event, context):
    return {**event, "big": True}
