import json


def handler(event, context):
    print("ordered", json.dumps(event["detail"], sort_keys=True))
    return event["detail"]
