def handler(event, context):
    print(event["detail"]["id"], event["detail"]["text"], event["resources"])
