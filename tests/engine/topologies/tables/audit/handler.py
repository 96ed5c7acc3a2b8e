def handler(event, context):
    for record in event["Records"]:
        print("audit", record["eventName"], record["dynamodb"]["Keys"]["id"]["S"])
