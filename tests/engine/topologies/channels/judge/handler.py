def handler(event, context):
    fine = [one for one in event["events"] if "damn" not in one["payload"]["text"]]
    return {"events": fine} if fine else {"error": "mind your words"}
