"""What a flow's role needs for each service integration of its tasks.

The actions are those of the Step Functions developer guide, "IAM policies for integrated
services"; where that names `*` and the service authorization reference
(docs.aws.amazon.com/service-authorization) has a narrower resource, it is the narrower one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tc.compose.calls import Call
from tc.spec.scope import Scope
from tc.spec.topology import Statement

Grant = Callable[[Call], Iterable[Statement]]


def _invoke(call: Call) -> Iterator[Statement]:
    name = call.text("FunctionName")
    if name and (":function:" in name or not name.startswith("arn:")):
        yield invoke_statement(call.arn("lambda", "function:", name), call.because)


def invoke_statement(arn: str, because: str) -> Statement:
    """To invoke a function; with its versions and aliases unless one of those is named."""
    qualified = ":" in arn.split(":function:")[1]
    return Statement(
        ("lambda:InvokeFunction",), (arn,) if qualified else (arn, f"{arn}:*"), because
    )


def _start_execution(call: Call) -> Iterator[Statement]:
    machine = call.text("StateMachineArn")
    if not machine:
        return
    qualified = call.scope.stable and ":" not in machine.split(":stateMachine:")[-1]
    yield call.allow("states:StartExecution", machine, *([f"{machine}:*"] * qualified))
    if call.waits:
        executions = machine.replace(":stateMachine:", ":execution:", 1) + ":*"
        yield call.allow("states:DescribeExecution StopExecution", executions)
        yield call.managed_rule("StepFunctionsGetEventsForStepFunctionsExecutionRule")


def _put_events(call: Call) -> Iterator[Statement]:
    entries = call.use.arguments.get("Entries")
    buses = set()
    for entry in entries if isinstance(entries, list) else []:
        bus = entry.get("EventBusName", "default") if isinstance(entry, dict) else "default"
        if isinstance(bus, str) and not bus.startswith("{%"):
            buses.add(call.arn("events", "event-bus/", bus))
    if buses:
        yield call.allow("events:PutEvents", *sorted(buses))


def queue_arn(url: str, scope: Scope) -> str:
    """The ARN of a queue by its URL (``https://sqs.REGION.amazonaws.com/ACCOUNT/NAME``)."""
    *_, account, name = ("", "", *url.rstrip("/").split("/"))
    arn = scope.arn("sqs", name)
    return arn.replace(f":{scope.account}:", f":{account}:") if account.isdigit() else arn


def _send_message(call: Call) -> Iterator[Statement]:
    if url := call.text("QueueUrl"):
        yield call.allow("sqs:SendMessage", queue_arn(url, call.scope))


def _publish(call: Call) -> Iterator[Statement]:
    if topic := call.text("TopicArn") or call.text("TargetArn"):
        yield call.allow("sns:Publish", topic)


def _table(call: Call) -> Iterator[Statement]:
    if table := call.text("TableName"):
        action = call.action[0].upper() + call.action[1:]
        yield call.allow(f"dynamodb:{action}", call.arn("dynamodb", "table/", table))


def _glue_run(call: Call) -> Iterator[Statement]:
    if job := call.text("JobName"):
        actions = (
            "StartJobRun GetJobRun GetJobRuns BatchStopJobRun" if call.waits else "StartJobRun"
        )
        yield call.allow(f"glue:{actions}", call.arn("glue", "job/", job))


#: S3 as Athena needs it for the place where it writes results
_RESULT_BUCKET = "s3:GetBucketLocation ListBucket ListBucketMultipartUploads"
_RESULT_OBJECTS = "s3:AbortMultipartUpload GetObject ListMultipartUploadParts PutObject"
#: the catalog as a query reads it
_CATALOG = (
    "glue:GetDatabase GetDatabases GetPartition GetPartitions BatchGetPartition GetTable GetTables"
)


def _athena_query(call: Call) -> Iterator[Statement]:
    workgroup = _told(call.use.arguments, "WorkGroup", "primary")
    actions = "StartQueryExecution"
    if call.waits:
        actions += " GetQueryExecution StopQueryExecution"
    yield call.allow(f"athena:{actions}", call.scope.arn("athena", f"workgroup/{workgroup}"))
    context = call.use.arguments.get("QueryExecutionContext")
    context = context if isinstance(context, dict) else {}
    catalog = _told(context, "Catalog", "AwsDataCatalog")
    catalog_arn = call.scope.arn("athena", f"datacatalog/{catalog}")
    yield call.allow("athena:GetDataCatalog", catalog_arn)
    database = _told(context, "Database", "*")
    tables = [f"database/{database}", f"table/{database}/*"]
    yield call.allow(_CATALOG, *(call.scope.arn("glue", name) for name in ("catalog", *tables)))
    results = call.use.arguments.get("ResultConfiguration")
    location = results.get("OutputLocation", "") if isinstance(results, dict) else ""
    if isinstance(location, str) and location.startswith("s3://"):
        yield from results_at(location, call.scope, call.because)


def _told(arguments: Mapping[str, Any], key: str, default: str) -> str:
    """An argument's plain text, `*` where it is known only at run time."""
    value = arguments.get(key, "*" if f"{key}.$" in arguments else default)
    return "*" if not isinstance(value, str) or value.startswith("{%") else value


def results_at(location: str, scope: Scope, because: str) -> Iterator[Statement]:
    """To let Athena write results below `location` (``s3://bucket/prefix/``)."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    arn = f"arn:{scope.partition}:s3:::{bucket}"
    below = f"{prefix.rstrip('/')}/*" if prefix else "*"
    for actions, resource in ((_RESULT_BUCKET, arn), (_RESULT_OBJECTS, f"{arn}/{below}")):
        names = actions.removeprefix("s3:").split()
        yield Statement(tuple(f"s3:{name}" for name in names), (resource,), because)


def _athena_read(call: Call) -> Iterator[Statement]:
    """A query is named by an id that says nothing of its workgroup."""
    action = call.action[0].upper() + call.action[1:]
    yield call.allow(f"athena:{action}", call.scope.arn("athena", "workgroup/*"))


def _batch_job(call: Call) -> Iterator[Statement]:
    job, queue = call.text("JobDefinition"), call.text("JobQueue")
    if not (job and queue):
        return
    definition = call.arn("batch", "job-definition/", job)
    if not re.search(r":\d+\Z", job):
        definition = f"{definition}:*"
    yield call.allow("batch:SubmitJob", definition, call.arn("batch", "job-queue/", queue))
    if call.waits:
        # DescribeJobs has no resources that a statement could name
        yield call.allow("batch:DescribeJobs", "*")
        yield call.allow("batch:TerminateJob", call.scope.arn("batch", "job/*"))
        yield call.managed_rule("StepFunctionsGetEventsForBatchJobsRule")


def _ecs_task(call: Call) -> Iterator[Statement]:
    definition = call.text("TaskDefinition")
    if not definition:
        return
    arn = call.arn("ecs", "task-definition/", definition)
    if not re.search(r":\d+\Z", definition):
        arn = f"{arn}:*"
    yield call.allow("ecs:RunTask", arn)
    if call.waits:
        cluster = (call.text("Cluster") or "default").rsplit("/", 1)[-1]
        tasks = call.scope.arn("ecs", f"task/{cluster}/*")
        yield call.allow("ecs:DescribeTasks StopTask", tasks)
        yield call.managed_rule("StepFunctionsGetEventsForECSTaskRule")
    overrides = call.use.arguments.get("Overrides")
    overrides = overrides if isinstance(overrides, dict) else {}
    roles = [overrides.get(key) for key in ("TaskRoleArn", "ExecutionRoleArn")]
    if passed := [role for role in roles if isinstance(role, str)]:
        yield Statement(
            ("iam:PassRole",),
            tuple(passed),
            call.because,
            {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )


def _build(call: Call) -> Iterator[Statement]:
    if project := call.text("ProjectName"):
        actions = "StartBuild StopBuild BatchGetBuilds" if call.waits else "StartBuild"
        yield call.allow(f"codebuild:{actions}", call.arn("codebuild", "project/", project))
        if call.waits:
            yield call.managed_rule("StepFunctionsGetEventForCodeBuildStartBuildRule")


def _model(call: Call) -> Iterator[Statement]:
    model = call.text("ModelId")
    if not model:
        return
    yield call.allow("bedrock:InvokeModel", *model_arns(model, call.scope))


#: how the id of a model begins that any region of a part of the world may answer
_AREA = re.compile(r"(?:us|us-gov|eu|apac|jp|au|ca|global)\.(?P<model>.+)")


def model_arns(model: str, scope: Scope) -> tuple[str, ...]:
    """What it takes to be allowed to invoke a model, by its id or ARN: foundation models
    belong to no account; an inference profile needs its model in every region as well."""
    if model.startswith("arn:"):
        return (model,)
    area = _AREA.fullmatch(model)
    if area is None:
        return (f"arn:{scope.partition}:bedrock:{scope.region}::foundation-model/{model}",)
    everywhere = f"arn:{scope.partition}:bedrock:*::foundation-model/{area['model']}"
    return scope.arn("bedrock", f"inference-profile/{model}"), everywhere


def _http(call: Call) -> Iterator[Statement]:
    """The endpoint, the connection that authenticates, and the secret behind that."""
    endpoint, method = call.text("ApiEndpoint"), call.text("Method")
    authentication = call.use.arguments.get("Authentication", call.use.arguments)
    connection = authentication.get("ConnectionArn") if isinstance(authentication, dict) else None
    if not (endpoint and method and isinstance(connection, str)):
        return
    yield Statement(
        ("states:InvokeHTTPEndpoint",),
        (call.machine,),
        call.because,
        {
            "StringEquals": {"states:HTTPMethod": method},
            "StringLike": {"states:HTTPEndpoint": endpoint},
        },
    )
    yield call.allow("events:RetrieveConnectionCredentials", connection)
    name = connection.split(":connection/")[-1].split("/")[0]
    secret = call.scope.arn("secretsmanager", f"secret:events!connection/{name}/*")
    yield call.allow("secretsmanager:DescribeSecret GetSecretValue", secret)


def _api(call: Call) -> Iterator[Statement]:
    """An API that asks for IAM; `ApiEndpoint` is ``ID.execute-api.REGION.amazonaws.com``."""
    endpoint, method = call.text("ApiEndpoint"), call.text("Method")
    api, _, service = endpoint.partition(".")
    if not (method and service.startswith("execute-api.")):
        return
    stage, path = call.text("Stage") or "*", call.text("Path").lstrip("/") or "*"
    resource = f"{api}/{stage}/{method}/{path}"
    yield call.allow("execute-api:Invoke", call.scope.arn("execute-api", resource))


#: optimised integration -> what it needs; `.sync` and `.waitForTaskToken` are part of the call
GRANTS: dict[str, Grant] = {
    "apigateway:invoke": _api,
    "athena:getQueryExecution": _athena_read,
    "athena:getQueryResults": _athena_read,
    "athena:startQueryExecution": _athena_query,
    "athena:stopQueryExecution": _athena_read,
    "batch:submitJob": _batch_job,
    "bedrock:invokeModel": _model,
    "codebuild:startBuild": _build,
    "dynamodb:deleteItem": _table,
    "dynamodb:getItem": _table,
    "dynamodb:putItem": _table,
    "dynamodb:updateItem": _table,
    "ecs:runTask": _ecs_task,
    "events:putEvents": _put_events,
    "glue:startJobRun": _glue_run,
    "http:invoke": _http,
    "lambda:invoke": _invoke,
    "sns:publish": _publish,
    "sqs:sendMessage": _send_message,
    "states:startExecution": _start_execution,
}
