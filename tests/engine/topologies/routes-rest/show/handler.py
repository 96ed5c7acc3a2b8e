import json


def handler(event, context):
    user = event["requestContext"]["authorizer"]["user"]
    return {"statusCode": 200, "body": json.dumps({"user": user})}
