def handler(event, context):
    print("audit", event["detail-type"], event["detail"]["order"])
    if event["detail"].get("broken"):
        raise ValueError("broken")
