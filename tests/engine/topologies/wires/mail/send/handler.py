def handler(event, context):
    print("send", event["detail-type"], event["detail"]["order"])
    if event["detail"].get("broken"):
        raise ValueError("broken")
