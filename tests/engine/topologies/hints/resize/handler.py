def handler(event, context):
    return event * 2
