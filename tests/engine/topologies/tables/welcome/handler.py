def handler(event, context):
    for record in event["Records"]:
        print("welcome", record["dynamodb"]["NewImage"]["id"]["S"])
