import json


def handler(event, context):
    print("recorded", json.dumps(event["detail"], sort_keys=True), event["resources"])
