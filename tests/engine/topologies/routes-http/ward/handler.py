def handler(event, context):
    return {
        "isAuthorized": event["headers"]["authorization"] == "please",
        "context": {"user": "ann"},
    }
