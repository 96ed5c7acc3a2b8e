import json


def handler(event, context):
    print("worked", json.dumps(event, sort_keys=True))
