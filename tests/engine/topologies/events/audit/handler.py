def handler(event, context):
    print("audit", event["detail-type"], event["source"], event["detail"]["order"])
