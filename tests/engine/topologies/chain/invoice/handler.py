def handler(event, context):
    return {"order": event["order"], "price": event["quantity"] * 10}
