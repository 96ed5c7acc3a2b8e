def handler(event, context):
    if "detail-type" in event:
        print("event", event["detail-type"], event["detail"], event["resources"])
        return
    print("channel", event["info"]["channel"]["path"], event["events"][0]["payload"])
