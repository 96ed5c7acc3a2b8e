def handler(event, context):
    return {"order": event["order"], "shipped": event["parcels"]}
