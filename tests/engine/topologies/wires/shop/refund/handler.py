import json
import os

import boto3


def handler(order, context):
    entry = {
        "Source": "till",
        "DetailType": "Refunded",
        "Detail": json.dumps(order),
        "EventBusName": os.environ["BUS"],
        "Resources": [os.environ["TC_EVENT_RESOURCE"]],
    }
    return boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"]
