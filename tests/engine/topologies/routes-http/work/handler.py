import json


def handler(event, context):
    print(json.dumps(event, sort_keys=True))
