def handler(event, context):
    print("thumbnail of", event["detail"]["object"]["key"])
