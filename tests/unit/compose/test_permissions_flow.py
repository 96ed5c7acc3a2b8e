"""What each integration of a flow grants, to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory

ARN = "arn:aws:{}:eu-west-1:111122223333:{}"
MACHINE = ARN.format("states", "stateMachine:etl_bob")


def allow(actions: str, *resources: str, **condition: Any) -> dict[str, Any]:
    """``allow("glue:StartJobRun GetJobRun", …)``"""
    service, _, names = actions.partition(":")
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": [f"{service}:{name}" for name in names.split()],
        "Resource": list(resources),
    }
    return {**statement, "Condition": condition} if condition else statement


def flow_of(state: dict[str, Any], more: str = "") -> str:
    flow = {"StartAt": "s", "States": {"s": {**state, "End": True}}}
    return f"name: etl\nflow: {json.dumps(flow)}\n{more}"


def granted(directory: Directory, text: str, role: str = "flow.etl") -> list[dict[str, Any]]:
    roles = {found.name: found for found in directory.write(text, "one").topology().roles}
    return [statement.document() for statement in roles[role].statements]


def managed(name: str) -> dict[str, Any]:
    return allow("events:DescribeRule PutRule PutTargets", ARN.format("events", f"rule/{name}"))


OTHER = ARN.format("states", "stateMachine:other")
JOB = ARN.format("glue", "job/clean")
QUERY = {
    "QueryString": "select 1",
    "WorkGroup": "wg",
    "QueryExecutionContext": {"Database": "logs"},
    "ResultConfiguration": {"OutputLocation": "s3://results/q/"},
}
CATALOG = [
    allow("athena:GetDataCatalog", ARN.format("athena", "datacatalog/AwsDataCatalog")),
    allow(
        "glue:GetDatabase GetDatabases GetPartition GetPartitions BatchGetPartition GetTable "
        "GetTables",
        ARN.format("glue", "catalog"),
        ARN.format("glue", "database/logs"),
        ARN.format("glue", "table/logs/*"),
    ),
    allow("s3:GetBucketLocation ListBucket ListBucketMultipartUploads", "arn:aws:s3:::results"),
    allow(
        "s3:AbortMultipartUpload GetObject ListMultipartUploadParts PutObject",
        "arn:aws:s3:::results/q/*",
    ),
]
BATCH = {"JobDefinition": "d", "JobQueue": "q", "JobName": "n"}
SUBMIT = allow(
    "batch:SubmitJob",
    ARN.format("batch", "job-definition/d:*"),
    ARN.format("batch", "job-queue/q"),
)
HTTP = {
    "ApiEndpoint": "https://api.example.com/orders",
    "Method": "POST",
    "Authentication": {"ConnectionArn": ARN.format("events", "connection/shop/1a2b")},
}
INTEGRATIONS = [
    (
        "states:startExecution",
        {"StateMachineArn": OTHER},
        [allow("states:StartExecution", OTHER)],
    ),
    *[
        (
            f"states:startExecution.{pattern}",
            {"StateMachineArn": OTHER},
            [
                allow("states:StartExecution", OTHER),
                allow(
                    "states:DescribeExecution StopExecution",
                    ARN.format("states", "execution:other:*"),
                ),
                managed("StepFunctionsGetEventsForStepFunctionsExecutionRule"),
            ],
        )
        for pattern in ("sync", "sync:2")
    ],
    ("glue:startJobRun", {"JobName": "clean"}, [allow("glue:StartJobRun", JOB)]),
    (
        "glue:startJobRun.sync",
        {"JobName": "clean"},
        [allow("glue:StartJobRun GetJobRun GetJobRuns BatchStopJobRun", JOB)],
    ),
    (
        "athena:startQueryExecution",
        QUERY,
        [allow("athena:StartQueryExecution", ARN.format("athena", "workgroup/wg")), *CATALOG],
    ),
    (
        "athena:startQueryExecution.sync",
        QUERY,
        [
            allow(
                "athena:StartQueryExecution GetQueryExecution StopQueryExecution",
                ARN.format("athena", "workgroup/wg"),
            ),
            *CATALOG,
        ],
    ),
    ("batch:submitJob", BATCH, [SUBMIT]),
    (
        "batch:submitJob.sync",
        BATCH,
        [
            SUBMIT,
            allow("batch:DescribeJobs", "*"),
            allow("batch:TerminateJob", ARN.format("batch", "job/*")),
            managed("StepFunctionsGetEventsForBatchJobsRule"),
        ],
    ),
    (
        "ecs:runTask.sync",
        {
            "TaskDefinition": "web:3",
            "Cluster": "c",
            "Overrides": {"TaskRoleArn": "arn:aws:iam::111122223333:role/t"},
        },
        [
            allow("ecs:RunTask", ARN.format("ecs", "task-definition/web:3")),
            allow("ecs:DescribeTasks StopTask", ARN.format("ecs", "task/c/*")),
            managed("StepFunctionsGetEventsForECSTaskRule"),
            allow(
                "iam:PassRole",
                "arn:aws:iam::111122223333:role/t",
                StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
            ),
        ],
    ),
    (
        "codebuild:startBuild.sync",
        {"ProjectName": "p"},
        [
            allow(
                "codebuild:StartBuild StopBuild BatchGetBuilds",
                ARN.format("codebuild", "project/p"),
            ),
            managed("StepFunctionsGetEventForCodeBuildStartBuildRule"),
        ],
    ),
    (
        "bedrock:invokeModel",
        {"ModelId": "amazon.titan", "Body": {}},
        [allow("bedrock:InvokeModel", "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan")],
    ),
    (
        "bedrock:invokeModel",
        {"ModelId": "eu.amazon.titan", "Body": {}},
        [
            allow(
                "bedrock:InvokeModel",
                ARN.format("bedrock", "inference-profile/eu.amazon.titan"),
                "arn:aws:bedrock:*::foundation-model/amazon.titan",
            )
        ],
    ),
    (
        "http:invoke",
        HTTP,
        [
            allow(
                "states:InvokeHTTPEndpoint",
                MACHINE,
                StringEquals={"states:HTTPMethod": "POST"},
                StringLike={"states:HTTPEndpoint": "https://api.example.com/orders"},
            ),
            allow(
                "events:RetrieveConnectionCredentials",
                ARN.format("events", "connection/shop/1a2b"),
            ),
            allow(
                "secretsmanager:DescribeSecret GetSecretValue",
                ARN.format("secretsmanager", "secret:events!connection/shop/*"),
            ),
        ],
    ),
    (
        "apigateway:invoke",
        {"ApiEndpoint": "abc.execute-api.eu-west-1.amazonaws.com", "Method": "GET", "Path": "/a"},
        [allow("execute-api:Invoke", ARN.format("execute-api", "abc/*/GET/a"))],
    ),
    (
        "sns:publish",
        {"TopicArn": ARN.format("sns", "t"), "Message": "m"},
        [allow("sns:Publish", ARN.format("sns", "t"))],
    ),
    (
        "sqs:sendMessage",
        {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/999988887777/q", "MessageBody": "m"},
        [allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:999988887777:q")],
    ),
    (
        "aws-sdk:s3:getObject",
        {"Bucket": "b", "Key.$": "$.key"},
        [allow("s3:GetObject", "arn:aws:s3:::b/*")],
    ),
    ("aws-sdk:s3:listObjectsV2", {"Bucket": "b"}, [allow("s3:ListBucket", "arn:aws:s3:::b")]),
    (
        "aws-sdk:dynamodb:query",
        {"TableName": "t"},
        [allow("dynamodb:Query", ARN.format("dynamodb", "table/t"))],
    ),
    (
        "aws-sdk:secretsmanager:getSecretValue",
        {"SecretId": "s"},
        [allow("secretsmanager:GetSecretValue", ARN.format("secretsmanager", "secret:s-??????"))],
    ),
    (
        "aws-sdk:sfn:stopExecution",
        {"ExecutionArn": ARN.format("states", "execution:x:y")},
        [allow("states:StopExecution", ARN.format("states", "execution:x:y"))],
    ),
    (
        "aws-sdk:ssm:getParameter",
        {"Name": "/a/b"},
        [allow("ssm:GetParameter", ARN.format("ssm", "parameter/a/b"))],
    ),
    (
        "aws-sdk:kms:encrypt",
        {"KeyId": ARN.format("kms", "key/k")},
        [allow("kms:Encrypt", ARN.format("kms", "key/k"))],
    ),
    ("aws-sdk:ec2:describeInstances", {}, [allow("ec2:DescribeInstances", "*")]),
    (
        "aws-sdk:dynamodb:query",
        {"TableName": "t", "IndexName": "by-day"},
        [
            allow(
                "dynamodb:Query",
                ARN.format("dynamodb", "table/t"),
                ARN.format("dynamodb", "table/t/index/by-day"),
            )
        ],
    ),
    (
        "aws-sdk:dynamodb:transactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "t", "Item": {}}},
                {"Delete": {"TableName": "t", "Key": {}}},
                {"ConditionCheck": {"TableName": "u", "Key": {}}},
            ]
        },
        [
            allow("dynamodb:DeleteItem PutItem", ARN.format("dynamodb", "table/t")),
            allow("dynamodb:ConditionCheckItem", ARN.format("dynamodb", "table/u")),
        ],
    ),
    (
        "aws-sdk:dynamodb:batchGetItem",
        {"RequestItems": {"t": {"Keys": []}}},
        [allow("dynamodb:BatchGetItem", ARN.format("dynamodb", "table/t"))],
    ),
    (
        "aws-sdk:s3:copyObject",
        {"Bucket": "to", "Key": "k", "CopySource": "from/k"},
        [
            allow("s3:PutObject", "arn:aws:s3:::to/k"),
            allow("s3:GetObject", "arn:aws:s3:::from/k"),
        ],
    ),
    (
        "aws-sdk:s3:abortMultipartUpload",
        {"Bucket": "to", "Key": "k", "UploadId": "u"},
        [allow("s3:AbortMultipartUpload", "arn:aws:s3:::to/k")],
    ),
    (
        "aws-sdk:s3:listParts",
        {"Bucket": "to", "Key": "k", "UploadId": "u"},
        [allow("s3:ListMultipartUploadParts", "arn:aws:s3:::to/k")],
    ),
    (
        "aws-sdk:athena:getQueryResults",
        {"QueryExecutionId.$": "$.id"},
        [allow("athena:GetQueryResults", ARN.format("athena", "workgroup/*"))],
    ),
    (
        "aws-sdk:sqs:sendMessageBatch",
        {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/q"},
        [allow("sqs:SendMessage", ARN.format("sqs", "q"))],
    ),
]


@pytest.mark.parametrize(
    ("resource", "parameters", "expected"), INTEGRATIONS, ids=[case[0] for case in INTEGRATIONS]
)
def test_an_integration(
    directory: Directory, resource: str, parameters: dict[str, Any], expected: Any
) -> None:
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": parameters,
    }
    assert granted(directory, flow_of(state)) == expected


def test_only_what_has_no_narrower_resource_is_granted_on_everything(directory: Directory) -> None:
    """Of the actions above, AWS knows no resources for these."""
    wide = {
        action
        for _, _, statements in INTEGRATIONS
        for statement in statements
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }
    assert wide == {"batch:DescribeJobs", "ec2:DescribeInstances"}


def test_a_query_that_is_known_only_at_run_time_may_read_any_table(directory: Directory) -> None:
    context = {"Database.$": "$.database", "Catalog.$": "$.catalog"}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::athena:startQueryExecution",
        "Parameters": {**QUERY, "QueryExecutionContext": context},
    }
    resources = {arn for one in granted(directory, flow_of(state)) for arn in one["Resource"]}
    names = ("athena", "datacatalog/*"), ("glue", "database/*"), ("glue", "table/*/*")
    assert {ARN.format(*name) for name in names} < resources


def test_a_table_that_is_no_text_is_not_granted(directory: Directory) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems",
        "Parameters": {"TransactItems": [{"Put": {"TableName": 5, "Item": {}}}]},
    }
    assert granted(directory, flow_of(state)) == []


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ({"Resource": "arn:aws:states:::aws-sdk:ec2:describeInstances"}, "wide-permission"),
        ({"Resource": "arn:aws:states:::mediaconvert:createJob"}, "no-permission"),
        (
            {
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "arn:aws:s3:::b"},
            },
            "no-permission",
        ),
        (
            {
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl.$": "$.url", "MessageBody": "m"},
            },
            "no-permission",
        ),
    ],
)
def test_what_cannot_be_known_is_said(
    directory: Directory, task: dict[str, Any], code: str
) -> None:
    from tc.components import by_kind

    topology = directory.write(flow_of({"Type": "Task", **task})).topology()
    (finding,) = by_kind()["flow"].check(topology)
    assert (finding.code, finding.severity) == (code, "warning")
    assert finding.address.path == ("flow", "States", "s", "Resource")


def test_an_activity_needs_no_permission(directory: Directory) -> None:
    from tc.components import by_kind

    arn = "arn:aws:states:{{region}}:{{account}}:activity:{{namespace}}_sign_{{sandbox}}"
    text = flow_of({"Type": "Task", "Resource": arn}, "activities: {sign: {}}\n")
    assert granted(directory, text) == []
    topology = directory.topology()
    assert list(by_kind()["flow"].check(topology)) == []
    edges = [(edge.source, edge.target, edge.how) for edge in topology.edges]
    assert edges == [(("flow", "etl"), ("activity", "sign"), "sync")]


DISTRIBUTED = {
    "Type": "Map",
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "in", "Key": "a/items.json"},
    },
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "p",
        "States": {"p": {"Type": "Pass", "End": True}},
    },
    "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "out", "Prefix": "done"},
    },
}
RUNS_ITSELF = [
    allow("states:StartExecution", MACHINE),
    allow(
        "states:DescribeExecution RedriveExecution StopExecution",
        ARN.format("states", "execution:etl_bob:*"),
        ARN.format("states", "execution:etl_bob/*"),
    ),
]
WRITES = allow(
    "s3:AbortMultipartUpload GetObject ListMultipartUploadParts PutObject",
    "arn:aws:s3:::out/done/*",
)


def test_a_distributed_map_runs_itself_and_reads_and_writes_its_buckets(
    directory: Directory,
) -> None:
    assert granted(directory, flow_of(DISTRIBUTED)) == [
        *RUNS_ITSELF,
        allow("s3:GetObject", "arn:aws:s3:::in/a/items.json"),
        WRITES,
    ]
    listing = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "in"}}
    assert granted(directory, flow_of({**DISTRIBUTED, "ItemReader": listing})) == [
        *RUNS_ITSELF,
        allow("s3:ListBucket", "arn:aws:s3:::in"),
        WRITES,
    ]


WAITS = "arn:aws:states:::{}.waitForTaskToken"
ANSWERS = allow("states:SendTaskFailure SendTaskHeartbeat SendTaskSuccess", MACHINE)
QUEUE = "https://sqs.{{region}}.amazonaws.com/{{account}}/{{namespace}}_jobs_{{sandbox}}"


@pytest.mark.parametrize(
    ("call", "parameters", "more"),
    [
        ("lambda:invoke", {"FunctionName": "{{namespace}}_one_{{sandbox}}"}, ""),
        ("sqs:sendMessage", {"QueueUrl": QUEUE}, "queues: {jobs: {function: one}}\n"),
        (
            "sqs:sendMessage",
            {"QueueUrl": f"{QUEUE}.fifo"},
            "queues: {jobs: {function: one, fifo: true}}\n",
        ),
        (
            "sqs:sendMessage",
            {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/theirs"},
            "queues: {jobs: {function: one, name: theirs}}\n",
        ),
        (
            "events:putEvents",
            {"Entries": [{"DetailType": "E", "Source": "default"}]},
            "events: {E: {function: one}}\n",
        ),
    ],
)
def test_what_gets_a_task_token_may_answer(
    directory: Directory, call: str, parameters: dict[str, Any], more: str
) -> None:
    given = {"MessageBody": {"token.$": "$$.Task.Token"}} if call.startswith("sqs") else {}
    state = {
        "Type": "Task",
        "Resource": WAITS.format(call),
        "Parameters": {**parameters, **given},
    }
    assert ANSWERS in granted(directory, flow_of(state, more), "one")
    plain = {**state, "Resource": f"arn:aws:states:::{call}"}
    assert ANSWERS not in granted(directory, flow_of(plain, more), "one")


DELIVERY = (
    "logs:CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies "
    "GetLogDelivery ListLogDeliveries PutResourcePolicy UpdateLogDelivery"
)
GROUP = ARN.format("logs", "log-group:/aws/vendedlogs/states/etl_bob:*")
LOGS = [allow(DELIVERY, "*"), allow("logs:CreateLogStream PutLogEvents", GROUP)]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("", []),
        ("mode: Express", LOGS),
        ("mode: Express\nlogging: {level: 'OFF'}", []),
        ("logging: {level: ALL}", LOGS),
        (
            "tracing: true",
            [
                allow(
                    "xray:GetSamplingRules GetSamplingTargets PutTelemetryRecords PutTraceSegments",
                    "*",
                )
            ],
        ),
    ],
)
def test_logs_and_traces(directory: Directory, keys: str, expected: Any) -> None:
    text = f"name: etl\n{keys}\nflow: {{StartAt: s, States: {{s: {{Type: Succeed}}}}}}\n"
    assert granted(directory, text) == expected


def test_a_workgroup_of_the_topology_grants_its_output(directory: Directory) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
        "Parameters": {"QueryString": "select 1", "WorkGroup": "{{namespace}}_adhoc_{{sandbox}}"},
    }
    text = flow_of(state, "workgroups: {adhoc: {output: 's3://results/adhoc/'}}\n")
    found = granted(directory, text)
    assert found[0]["Resource"] == [ARN.format("athena", "workgroup/etl_adhoc_bob")]
    assert found[-1]["Resource"] == ["arn:aws:s3:::results/adhoc/*"]


@pytest.mark.parametrize(
    ("kind", "section", "expected"),
    [
        (
            "activities.sign.arn",
            "activities: {sign: {}}",
            allow(
                "states:GetActivityTask SendTaskFailure SendTaskHeartbeat SendTaskSuccess",
                ARN.format("states", "activity:etl_sign_bob"),
            ),
        ),
        (
            "workgroups.adhoc.name",
            "workgroups: {adhoc: {output: 's3://results/'}}",
            allow(
                "athena:GetQueryExecution GetQueryResults StartQueryExecution StopQueryExecution",
                ARN.format("athena", "workgroup/etl_adhoc_bob"),
            ),
        ),
    ],
)
def test_a_function_with_the_address_may_use_it(
    directory: Directory, kind: str, section: str, expected: Any
) -> None:
    text = f"name: etl\n{section}\n"
    text += f"functions: {{one: {{runtime: {{environment: {{THING: '{{{{{kind}}}}}'}}}}}}}}\n"
    assert granted(directory, text, "one")[-1] == expected


@pytest.mark.parametrize(
    ("task", "code", "key"),
    [
        ({"Resource": "glue:startJobRun", "Parameters": {"JobName": "etl_x_bob"}}, "", "JobName"),
        (
            {
                "Resource": "athena:startQueryExecution",
                "Parameters": {"QueryString": "q", "WorkGroup": "adhoc"},
            },
            "bare-name",
            "WorkGroup",
        ),
    ],
)
def test_names_of_nothing_and_bare_ones(
    directory: Directory, task: dict[str, Any], code: str, key: str
) -> None:
    task = {"Type": "Task", **task, "Resource": f"arn:aws:states:::{task['Resource']}"}
    text = flow_of(task, "workgroups: {adhoc: {output: 's3://results/'}}\n")
    (finding,) = directory.write(text).findings()
    assert finding.code == (code or "unknown-name")
    assert finding.address.path[-1] == key


def test_a_role_takes_what_is_written_for_it(directory: Directory) -> None:
    more = allow("s3:GetObject", "arn:aws:s3:::{{namespace}}-in/*")
    overlay = {"Statement": [more]}
    roles = "infrastructure/tc/etl/roles"
    files = {f"{roles}/flow.etl.json": json.dumps(overlay)}
    text = flow_of({"Type": "Task", "Resource": ARN.format("lambda", "function:etl_one_bob")})
    written = directory.write(text, "one", files)
    found = {role.name: role for role in written.topology().roles}
    assert found["flow.etl"].written == {
        "Statement": [{**more, "Resource": ["arn:aws:s3:::etl-in/*"]}]
    }
    assert found["flow.etl"].statements
    assert found["one"].written is None
    files = {f"{roles}/flow.etl.json": json.dumps(overlay | {"inherit": False})}
    (alone,) = [r for r in directory.write(text, "one", files).topology().roles if "flow" in r.name]
    assert alone.statements == ()


def test_a_file_of_a_role_that_is_not_there_is_said(directory: Directory) -> None:
    text = flow_of({"Type": "Task", "Resource": ARN.format("lambda", "function:etl_one_bob")})
    files = {"infrastructure/tc/etl/roles/flow.elt.json": '{"Statement": []}'}
    (finding,) = directory.write(text, "one", files).said()
    assert (finding.code, finding.severity) == ("unused-file", "warning")
    assert finding.hint == "such roles are flow.etl"


def test_an_address_in_a_flow_is_the_thing_and_may_be_used(directory: Directory) -> None:
    states = {
        "put": ("sqs:sendMessage", {"QueueUrl": "{{queues.jobs.url}}", "MessageBody.$": "$"}),
        "row": ("dynamodb:putItem", {"TableName": "{{tables.runs.name}}", "Item": {}}),
    }
    flow = {
        "StartAt": "put",
        "States": {
            name: {
                "Type": "Task",
                "Resource": f"arn:aws:states:::{action}",
                "Parameters": parameters,
                **({"Next": "row"} if name == "put" else {"Next": "sign"}),
            }
            for name, (action, parameters) in states.items()
        },
    }
    flow["States"]["sign"] = {
        "Type": "Task",
        "Resource": "{{activities.sign.arn}}",
        "End": True,
    }
    things = "queues: {jobs: {fifo: true}}\ntables: {runs: {key: id}}\nactivities: {sign: {}}\n"
    text = f"name: etl\nflow: {json.dumps(flow)}\n{things}"
    topology = directory.write(text, "one").topology()
    definition = topology.flows["etl"].definition["States"]
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/etl_jobs_bob.fifo"
    assert definition["put"]["Parameters"]["QueueUrl"] == url
    assert definition["sign"]["Resource"] == ARN.format("states", "activity:etl_sign_bob")
    assert {edge.target for edge in topology.edges} == {
        ("queue", "jobs"),
        ("table", "runs"),
        ("activity", "sign"),
    }
    assert granted(directory, text) == [
        allow("sqs:SendMessage", ARN.format("sqs", "etl_jobs_bob.fifo")),
        allow("dynamodb:PutItem", ARN.format("dynamodb", "table/etl_runs_bob")),
    ]


@pytest.mark.parametrize(
    ("address", "code", "hint"),
    [
        ("{{queues.jbos.url}}", "unknown-name", "did you mean `jobs`?"),
        ("{{queues.jobs.uri}}", "unknown-template", "there are: arn, name, url"),
        ("{{pools.people.id}}", "unknown-template", "hand it to a function as a variable"),
    ],
)
def test_an_address_that_a_flow_cannot_have(
    directory: Directory, address: str, code: str, hint: str
) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": address, "MessageBody": "m"},
    }
    text = flow_of(state, "queues: {jobs: {}}\n")
    (finding,) = directory.write(text, "one").findings()
    assert (finding.code, finding.hint) == (code, hint)
    assert finding.address.path[-2:] == ("Parameters", "QueueUrl")
