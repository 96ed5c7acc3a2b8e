import json


def handler(event, context):
    request = event["requestContext"]["http"]
    answer = {
        "method": request["method"],
        "route": event["routeKey"],
        "id": (event.get("pathParameters") or {}).get("id"),
        "query": event.get("queryStringParameters"),
        "body": event.get("body"),
    }
    return {"statusCode": 200, "headers": {"x-items": "yes"}, "body": json.dumps(answer)}
