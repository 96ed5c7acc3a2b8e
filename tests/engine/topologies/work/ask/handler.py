import json

import boto3


def handler(event, context):
    boto3.client("stepfunctions").send_task_success(
        taskToken=event["token"], output=json.dumps({"answer": 42})
    )
