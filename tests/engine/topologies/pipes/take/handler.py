def handler(event, context):
    taken = []
    for record in event:
        if record.get("body") == "poison":
            raise ValueError("poison")
        taken.append(
            record.get("body") or f"{record['eventName']} {record['dynamodb']['Keys']['id']['S']}"
        )
    return taken
