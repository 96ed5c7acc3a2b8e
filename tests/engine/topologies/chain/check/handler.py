def handler(event, context):
    if event["quantity"] < 1:
        raise ValueError("nothing to ship")
    return {**event, "checked": True}
