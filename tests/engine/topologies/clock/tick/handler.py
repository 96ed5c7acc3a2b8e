import json


def handler(event, context):
    print("tick", json.dumps(event))
