"""What a flow's role needs for an AWS SDK integration (``aws-sdk:s3:getObject``).

The action follows from the call, the resource from its parameters; where those don't tell
it, it is `*`, and that is said. The names that differ are those of the service
authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.calls import Call
from tc.compose.permissions.integrations import queue_arn
from tc.spec.topology import Statement

#: the SDK's name of a service, as Step Functions writes it -> its prefix in policies
_PREFIXES = {
    "apigatewayv2": "apigateway",
    "bedrockagent": "bedrock",
    "bedrockagentruntime": "bedrock",
    "bedrockruntime": "bedrock",
    "cloudwatchlogs": "logs",
    "cognitoidentity": "cognito-identity",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "emrserverless": "emr-serverless",
    "eventbridge": "events",
    "opensearch": "es",
    "rdsdata": "rds-data",
    "redshiftdata": "redshift-data",
    "resourcegroupstaggingapi": "tag",
    "sagemakerruntime": "sagemaker",
    "sesv2": "ses",
    "sfn": "states",
}
#: calls that need other actions than the one of their own name
_ACTIONS = {
    "bedrockruntime:converse": "bedrock:InvokeModel",
    "lambda:invoke": "lambda:InvokeFunction",
    "s3:completeMultipartUpload": "s3:PutObject",
    "s3:copyObject": "s3:PutObject",
    "s3:createMultipartUpload": "s3:PutObject",
    "s3:deleteObjects": "s3:DeleteObject",
    "s3:headBucket": "s3:ListBucket",
    "s3:headObject": "s3:GetObject",
    "s3:listBuckets": "s3:ListAllMyBuckets",
    "s3:listObjects": "s3:ListBucket",
    "s3:listObjectsV2": "s3:ListBucket",
    "s3:listMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:listObjectVersions": "s3:ListBucketVersions",
    "s3:listParts": "s3:ListMultipartUploadParts",
    "s3:uploadPart": "s3:PutObject",
    "sns:publishBatch": "sns:Publish",
    "sqs:changeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:deleteMessageBatch": "sqs:DeleteMessage",
    "sqs:sendMessageBatch": "sqs:SendMessage",
}
#: prefix -> the parameters that name its things, and what stands before the name in an ARN
_NAMED = {
    "athena": (("WorkGroup", "workgroup/"),),
    "dynamodb": (("TableName", "table/"),),
    "ecs": (("Cluster", "cluster/"),),
    "events": (("EventBusName", "event-bus/"),),
    "firehose": (("DeliveryStreamName", "deliverystream/"),),
    "glue": (("JobName", "job/"), ("CrawlerName", "crawler/")),
    "kinesis": (("StreamName", "stream/"),),
    "lambda": (("FunctionName", "function:"),),
    "logs": (("LogGroupName", "log-group:"),),
    "sns": (("TopicArn", ""),),
    "ssm": (("Name", "parameter/"),),
    "states": (("StateMachineArn", ""), ("ExecutionArn", ""), ("ActivityArn", "")),
}
#: what an item of a transaction is -> the action that it takes
_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
#: actions that S3 asks of objects, besides those that have the word in their name
_OF_OBJECTS = frozenset({"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"})


def sdk_statements(call: Call) -> Iterator[Statement]:
    """The statement of a call; its resource is `*` where the parameters tell nothing."""
    prefix = _PREFIXES.get(call.service, call.service)
    own = f"{prefix}:{call.action[:1].upper()}{call.action[1:]}"
    if prefix == "dynamodb" and isinstance(call.use.arguments.get("TransactItems"), list):
        yield from _transaction(call)
        return
    actions = _ACTIONS.get(f"{call.service}:{call.action}", own)
    yield call.allow(actions, *_resources(call, prefix, actions))
    if (call.service, call.action) == ("s3", "copyObject"):
        source = call.text("CopySource").lstrip("/")
        found = f"arn:{call.scope.partition}:s3:::{source}" if "/" in source else "*"
        yield call.allow("s3:GetObject", found)


def _transaction(call: Call) -> Iterator[Statement]:
    """A transaction needs what its items would need alone."""
    needed: dict[str, set[str]] = {}
    for item in call.use.arguments["TransactItems"]:
        for key, said in item.items() if isinstance(item, dict) else ():
            table = said.get("TableName", "") if isinstance(said, dict) else ""
            known = isinstance(table, str) and table and not table.startswith("{%")
            if key in _TRANSACTED and known:
                needed.setdefault(table, set()).add(_TRANSACTED[key])
    for table, actions in needed.items():
        names = " ".join(sorted(actions))
        yield call.allow(f"dynamodb:{names}", call.arn("dynamodb", "table/", table))


def _resources(call: Call, prefix: str, action: str) -> tuple[str, ...]:
    """The thing itself, or all that a batch names; of a table the index of a query too."""
    batch = call.use.arguments.get("RequestItems") if prefix == "dynamodb" else None
    if isinstance(batch, dict) and batch and not any(name.endswith(".$") for name in batch):
        return tuple(call.arn("dynamodb", "table/", name) for name in sorted(batch))
    found = _resource(call, prefix, action)
    index = call.text("IndexName") if prefix == "dynamodb" else ""
    return (found, f"{found}/index/{index}") if index and found != "*" else (found,)


def _resource(call: Call, prefix: str, action: str) -> str:
    if prefix == "s3":
        return _s3(call, action)
    if prefix == "sqs":
        url = call.text("QueueUrl")
        return queue_arn(url, call.scope) if url else "*"
    if prefix == "secretsmanager":
        return _secret(call)
    for key, before in _NAMED.get(prefix, ()):
        if value := call.text(key):
            return call.arn(prefix, before, value.lstrip("/"))
    if prefix == "athena" and {"QueryExecutionId", "QueryExecutionId.$"} & {*call.use.arguments}:
        # a query's id says nothing of its workgroup
        return call.scope.arn("athena", "workgroup/*")
    wanted = f":{prefix}:"
    for key in call.use.arguments:
        value = call.text(key)
        if value.startswith("arn:") and wanted in value:
            return value
    return "*"


def _s3(call: Call, action: str) -> str:
    bucket, key = call.text("Bucket"), call.text("Key")
    if not bucket:
        return "*"
    arn = f"arn:{call.scope.partition}:s3:::{bucket}"
    objects = "Object" in action or action in _OF_OBJECTS
    return f"{arn}/{key or '*'}" if objects else arn


def _secret(call: Call) -> str:
    """A secret's ARN ends in six characters of AWS's own."""
    name = call.text("SecretId")
    if name.startswith("arn:"):
        return name
    return call.scope.arn("secretsmanager", f"secret:{name}-??????") if name else "*"
