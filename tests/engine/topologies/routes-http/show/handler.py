def handler(event, context):
    return {
        "stage": event["headers"].get("x-stage"),
        "user": event["requestContext"].get("authorizer"),
    }
