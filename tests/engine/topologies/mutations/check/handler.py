def handler(event, context):
    return {"isAuthorized": event["authorizationToken"] == "sesame"}
