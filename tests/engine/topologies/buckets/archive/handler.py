def handler(event, context):
    print("gone", event["detail"]["object"]["key"])
