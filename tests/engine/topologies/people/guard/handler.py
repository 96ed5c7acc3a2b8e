def handler(event, context):
    if event["request"]["userAttributes"]["email"].endswith("@example.org"):
        raise ValueError("not from example.org")
    event["response"]["autoConfirmUser"] = True
    return event
