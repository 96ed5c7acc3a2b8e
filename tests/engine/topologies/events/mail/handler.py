def handler(event, context):
    print("mail", event["detail-type"], event["source"], event["detail"]["order"])
