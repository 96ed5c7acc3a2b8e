import os


def handler(event, context):
    return {"hello": os.environ["NAME"], "path": event["rawPath"]}
