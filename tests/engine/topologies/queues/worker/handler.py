def handler(event, context):
    failed = []
    for record in event["Records"]:
        body = record["body"]
        if "poison" in body:
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            print("worked", body)
    return {"batchItemFailures": failed}
