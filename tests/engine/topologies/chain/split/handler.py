def handler(event, context):
    return {**event, "parcels": event["quantity"] // 2}
