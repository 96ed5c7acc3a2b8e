"""What IAM must allow to look at and to change the things of each kind.

Actions, and the ARNs that they are limited to, are those of the Service Authorization Reference.
An action that takes no ARN there is granted on ``*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Condition = Mapping[str, Mapping[str, str | list[str]]]


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions of one service (``lambda``), by what they do, on the same ARNs.

    An ARN has ``{p}`` partition, ``{r}`` region, ``{a}`` account, ``{n}`` namespace, ``{s}``
    sandbox, ``{path}`` the prefix of roles' paths. ``{own}`` stands for every name that the
    sandbox gives (``etl_*_bob``), ``{name}`` for each name of the kind that the topology has.
    """

    service: str
    on: tuple[str, ...]
    reads: str = ""
    writes: str = ""
    when: Condition = field(default_factory=dict)

    def actions(self, *, writes: bool) -> list[str]:
        words = f"{self.reads} {self.writes if writes else ''}".split()
        return [f"{self.service}:{word}" for word in words]


_ALL = ("*",)
_FUNCTIONS = ("arn:{p}:lambda:{r}:{a}:function:{own}", "arn:{p}:lambda:{r}:{a}:function:{own}:*")
_APIS = (
    "arn:{p}:apigateway:{r}::/apis",
    "arn:{p}:apigateway:{r}::/apis/*",
    "arn:{p}:apigateway:{r}::/restapis",
    "arn:{p}:apigateway:{r}::/restapis/*",
    "arn:{p}:apigateway:{r}::/tags/*",
)
_MACHINES = (
    "arn:{p}:states:{r}:{a}:stateMachine:{n}_{s}",
    "arn:{p}:states:{r}:{a}:stateMachine:{n}_{s}:*",
    "arn:{p}:states:{r}:{a}:stateMachine:{own}",
    "arn:{p}:states:{r}:{a}:stateMachine:{own}:*",
)
_RULES = ("arn:{p}:events:{r}:{a}:rule/tc_{own}", "arn:{p}:events:{r}:{a}:rule/*/tc_{own}")
_BUCKETS = ("arn:{p}:s3:::{n}-*-{s}-*",)
_OBJECTS = ("arn:{p}:s3:::{n}-*-{s}-*/*",)
_GATEWAY = Grant("apigateway", _APIS, "GET", "POST PUT PATCH DELETE TagResource")
_LIST_BUCKETS = Grant("s3", _ALL, "ListAllMyBuckets")
_BUCKET = Grant(
    "s3",
    _BUCKETS,
    "GetBucketTagging GetBucketPublicAccessBlock ListBucketVersions",
    "CreateBucket TagResource PutBucketTagging PutBucketPublicAccessBlock DeleteBucket",
)
_EMPTY_BUCKET = Grant("s3", _OBJECTS, "", "DeleteObject DeleteObjectVersion")
_APPSYNC = "arn:{p}:appsync:{r}:{a}:*"
_ROLES = "arn:{p}:iam::{a}:role{path}/tc/{r}/{n}/{s}/*"
_API_DESTINATIONS = (
    "arn:{p}:iam::{a}:role/aws-service-role/apidestinations.events.amazonaws.com/"
    "AWSServiceRoleForAmazonEventBridgeApiDestinations"
)
_CLOUDFRONT = "arn:{p}:cloudfront::{a}:*"

#: kind -> what it takes
ACTIONS: Mapping[str, tuple[Grant, ...]] = {
    "queue": (
        Grant(
            "sqs",
            ("arn:{p}:sqs:{r}:{a}:{own}", "arn:{p}:sqs:{r}:{a}:{own}.fifo"),
            "GetQueueAttributes ListQueueTags",
            "CreateQueue SetQueueAttributes DeleteQueue TagQueue UntagQueue",
        ),
    ),
    "bucket": (
        _BUCKET,
        Grant(
            "s3",
            _BUCKETS,
            "GetBucketVersioning GetEncryptionConfiguration GetLifecycleConfiguration "
            "GetBucketCORS GetBucketNotification",
            "PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration "
            "PutBucketCORS PutBucketNotification",
        ),
        _EMPTY_BUCKET,
    ),
    "table": (
        Grant(
            "dynamodb",
            ("arn:{p}:dynamodb:{r}:{a}:table/{own}",),
            "DescribeTable DescribeTimeToLive ListTagsOfResource Scan",
            "CreateTable UpdateTable UpdateTimeToLive DeleteTable TagResource UntagResource",
        ),
    ),
    "pool": (
        Grant("cognito-idp", _ALL, "ListUserPools", "CreateUserPool"),
        Grant(
            "cognito-idp",
            ("arn:{p}:cognito-idp:{r}:{a}:userpool/*",),
            "DescribeUserPool ListUsers",
            "UpdateUserPool DeleteUserPool TagResource",
        ),
    ),
    "pool client": (
        Grant(
            "cognito-idp",
            ("arn:{p}:cognito-idp:{r}:{a}:userpool/*",),
            "ListUserPoolClients DescribeUserPoolClient",
            "CreateUserPoolClient UpdateUserPoolClient DeleteUserPoolClient",
        ),
    ),
    # what the path of roles and boundaries say is written by tc.deploy.deployer
    "role": (
        # one that isn't there yet has no path
        Grant(
            "iam",
            (_ROLES, "arn:{p}:iam::{a}:role/tc_{n}_*"),
            "GetRole GetRolePolicy",
        ),
        Grant(
            "iam",
            (_ROLES,),
            "",
            "UpdateAssumeRolePolicy DeleteRolePolicy DeleteRole TagRole UntagRole "
            "ListRolePolicies ListAttachedRolePolicies DetachRolePolicy",
        ),
    ),
    "log group": (
        Grant(
            "logs",
            (
                "arn:{p}:logs:{r}:{a}:log-group:/aws/lambda/{own}",
                "arn:{p}:logs:{r}:{a}:log-group:/aws/lambda/{own}:*",
                "arn:{p}:logs:{r}:{a}:log-group:/aws/vendedlogs/states/{n}_{s}",
                "arn:{p}:logs:{r}:{a}:log-group:/aws/vendedlogs/states/{own}",
            ),
            "ListTagsForResource FilterLogEvents",
            "CreateLogGroup PutRetentionPolicy TagResource UntagResource DeleteLogGroup",
        ),
    ),
    "function": (
        Grant(
            "lambda",
            _FUNCTIONS,
            "GetFunction GetPolicy",
            "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction "
            "PutFunctionConcurrency DeleteFunctionConcurrency TagResource UntagResource",
        ),
    ),
    "version": (
        Grant("lambda", _FUNCTIONS, "ListVersionsByFunction", "PublishVersion DeleteFunction"),
    ),
    "alias": (
        Grant(
            "lambda",
            _FUNCTIONS,
            "GetAlias GetProvisionedConcurrencyConfig ListVersionsByFunction",
            "CreateAlias UpdateAlias DeleteAlias "
            "PutProvisionedConcurrencyConfig DeleteProvisionedConcurrencyConfig",
        ),
    ),
    "activity": (
        Grant(
            "states",
            ("arn:{p}:states:{r}:{a}:activity:{own}",),
            "DescribeActivity ListTagsForResource",
            "CreateActivity DeleteActivity TagResource UntagResource",
        ),
    ),
    "workgroup": (
        Grant(
            "athena",
            ("arn:{p}:athena:{r}:{a}:workgroup/{own}",),
            "GetWorkGroup ListTagsForResource",
            "CreateWorkGroup UpdateWorkGroup DeleteWorkGroup TagResource UntagResource",
        ),
    ),
    "job": (
        Grant(
            "glue",
            ("arn:{p}:glue:{r}:{a}:job/{own}",),
            "GetJob GetTags",
            "CreateJob UpdateJob DeleteJob TagResource UntagResource",
        ),
    ),
    "channel api": (
        Grant("appsync", _ALL, "ListApis", "CreateApi"),
        Grant("appsync", (_APPSYNC,), "GetApi ListApiKeys", "UpdateApi DeleteApi TagResource"),
        Grant("appsync", (_APPSYNC,), "", "CreateApiKey UpdateApiKey UntagResource"),
    ),
    "channel": (
        Grant(
            "appsync",
            (_APPSYNC,),
            "ListChannelNamespaces",
            "CreateChannelNamespace UpdateChannelNamespace DeleteChannelNamespace",
        ),
        Grant("appsync", (_APPSYNC,), "", "TagResource UntagResource"),
    ),
    "connection": (
        Grant(
            "events",
            ("arn:{p}:events:{r}:{a}:connection/{n}_{s}/*",),
            "DescribeConnection",
            "CreateConnection UpdateConnection DeleteConnection",
        ),
        # what EventBridge does in the caller's name
        Grant(
            "secretsmanager",
            ("arn:{p}:secretsmanager:{r}:{a}:secret:events!connection/*",),
            "",
            "CreateSecret PutSecretValue UpdateSecret DeleteSecret GetSecretValue DescribeSecret",
        ),
        Grant(
            "iam",
            (_API_DESTINATIONS,),
            "",
            "CreateServiceLinkedRole",
        ),
    ),
    "mutation api": (
        Grant("appsync", _ALL, "ListGraphqlApis", "CreateGraphqlApi"),
        Grant(
            "appsync",
            (_APPSYNC,),
            "GetGraphqlApi GetIntrospectionSchema GetSchemaCreationStatus ListApiKeys",
            "UpdateGraphqlApi DeleteGraphqlApi StartSchemaCreation CreateApiKey UpdateApiKey "
            "TagResource UntagResource",
        ),
    ),
    "mutation": (
        Grant(
            "appsync",
            (_APPSYNC,),
            "ListResolvers ListDataSources",
            "CreateResolver UpdateResolver DeleteResolver CreateDataSource UpdateDataSource "
            "DeleteDataSource",
        ),
    ),
    "flow": (
        Grant(
            "states",
            _MACHINES,
            "DescribeStateMachine ListTagsForResource",
            "CreateStateMachine UpdateStateMachine DeleteStateMachine TagResource UntagResource",
        ),
    ),
    "flow version": (
        Grant(
            "states",
            _MACHINES,
            "DescribeStateMachine ListStateMachineVersions ListExecutions",
            "PublishStateMachineVersion DeleteStateMachineVersion",
        ),
    ),
    "flow alias": (
        Grant(
            "states",
            _MACHINES,
            "DescribeStateMachineAlias",
            "CreateStateMachineAlias UpdateStateMachineAlias DeleteStateMachineAlias",
        ),
    ),
    "api": (_GATEWAY,),
    "authorizer": (_GATEWAY,),
    "route": (_GATEWAY,),
    "bus": (
        Grant(
            "events",
            ("arn:{p}:events:{r}:{a}:event-bus/{name}",),
            "ListTagsForResource",
            "CreateEventBus DeleteEventBus TagResource UntagResource",
        ),
    ),
    "event": (
        Grant(
            "events",
            _RULES,
            "DescribeRule ListTargetsByRule ListTagsForResource",
            "PutRule PutTargets RemoveTargets DeleteRule TagResource UntagResource",
        ),
    ),
    "schedule group": (
        Grant(
            "scheduler",
            ("arn:{p}:scheduler:{r}:{a}:schedule-group/{n}_{s}",),
            "GetScheduleGroup ListTagsForResource",
            "CreateScheduleGroup DeleteScheduleGroup TagResource UntagResource",
        ),
        # deleting a group deletes its schedules in the caller's name
        Grant("scheduler", ("arn:{p}:scheduler:{r}:{a}:schedule/{n}_{s}/*",), "", "DeleteSchedule"),
    ),
    "schedule": (
        Grant("scheduler", _ALL, "ListSchedules"),
        Grant(
            "scheduler",
            ("arn:{p}:scheduler:{r}:{a}:schedule/{n}_{s}/*",),
            "GetSchedule",
            "CreateSchedule UpdateSchedule DeleteSchedule",
        ),
    ),
    "permission": (Grant("lambda", _FUNCTIONS, "", "AddPermission RemovePermission"),),
    "trigger": (
        Grant(
            "cognito-idp",
            ("arn:{p}:cognito-idp:{r}:{a}:userpool/*",),
            "DescribeUserPool",
            "UpdateUserPool",
        ),
    ),
    "page bucket": (
        _BUCKET,
        _EMPTY_BUCKET,
        Grant("s3", _BUCKETS, "GetBucketPolicy ListBucket", "PutBucketPolicy DeleteBucketPolicy"),
    ),
    "distribution": (
        Grant(
            "cloudfront",
            _ALL,
            "ListDistributions ListOriginAccessControls ListResponseHeadersPolicies",
            "CreateOriginAccessControl CreateResponseHeadersPolicy",
        ),
        Grant(
            "cloudfront",
            (_CLOUDFRONT,),
            "GetDistribution GetDistributionConfig ListTagsForResource DescribeFunction "
            "GetFunction GetOriginAccessControl GetResponseHeadersPolicy",
            "CreateDistribution UpdateDistribution DeleteDistribution "
            "DeleteOriginAccessControl UpdateResponseHeadersPolicy DeleteResponseHeadersPolicy "
            "CreateFunction UpdateFunction PublishFunction DeleteFunction TagResource "
            "UntagResource",
        ),
        Grant("acm", _ALL, "ListCertificates"),
    ),
    "page": (
        Grant("s3", _BUCKETS, "ListBucket"),
        Grant("s3", _OBJECTS, "", "PutObject DeleteObject"),
        Grant("cloudfront", (_CLOUDFRONT,), "", "CreateInvalidation"),
    ),
    "mapping": (
        Grant("lambda", _ALL, "ListEventSourceMappings"),
        Grant(
            "lambda",
            _ALL,
            "",
            "CreateEventSourceMapping",
            {"ArnLike": {"lambda:FunctionArn": list(_FUNCTIONS)}},
        ),
        Grant(
            "lambda",
            ("arn:{p}:lambda:{r}:{a}:event-source-mapping:*",),
            "GetEventSourceMapping ListTags",
            "UpdateEventSourceMapping DeleteEventSourceMapping TagResource UntagResource",
        ),
    ),
    "pipe": (
        Grant(
            "pipes",
            ("arn:{p}:pipes:{r}:{a}:pipe/{own}",),
            "DescribePipe",
            "CreatePipe UpdatePipe DeletePipe TagResource UntagResource",
        ),
    ),
    "stream": (
        Grant(
            "firehose",
            ("arn:{p}:firehose:{r}:{a}:deliverystream/{own}",),
            "DescribeDeliveryStream ListTagsForDeliveryStream",
            "CreateDeliveryStream UpdateDestination DeleteDeliveryStream TagDeliveryStream "
            "UntagDeliveryStream",
        ),
    ),
}

#: what every topology takes: what a sandbox owns, of kinds too that aren't in the files any
#: more; whether it is frozen
ALWAYS: tuple[Grant, ...] = (
    Grant("tag", _ALL, "GetResources"),
    Grant("iam", _ALL, "ListRoles"),
    Grant("sqs", _ALL, "ListQueues"),
    Grant("dynamodb", _ALL, "ListTables"),
    Grant("events", _ALL, "ListRules ListConnections"),
    Grant("logs", _ALL, "DescribeLogGroups"),
    _LIST_BUCKETS,
    Grant(
        "ssm",
        ("arn:{p}:ssm:{r}:{a}:parameter/tc/{n}/{s}/frozen",),
        "GetParameters",
    ),
)
#: what `tc invoke` and `tc test` take, by kind
TRIALS: Mapping[str, tuple[Grant, ...]] = {
    "function": (Grant("lambda", _FUNCTIONS, "", "InvokeFunction"),),
    "flow": (
        Grant("states", _MACHINES, "", "StartExecution StartSyncExecution"),
        Grant(
            "states",
            tuple(
                f"arn:{{p}}:states:{{r}}:{{a}}:{kind}:{name}:*"
                for kind in ("execution", "express")
                for name in ("{n}_{s}", "{own}")
            ),
            "",
            "DescribeExecution GetExecutionHistory",
        ),
    ),
    "event": (Grant("events", ("arn:{p}:events:{r}:{a}:event-bus/*",), "", "PutEvents"),),
    "queue": (
        Grant(
            "sqs",
            ("arn:{p}:sqs:{r}:{a}:{own}", "arn:{p}:sqs:{r}:{a}:{own}.fifo"),
            "",
            "SendMessage",
        ),
    ),
}
#: what a canary takes besides: somebody who returns when the command line has died
CANARY: tuple[Grant, ...] = (
    *ACTIONS["schedule group"],
    *ACTIONS["schedule"],
    Grant("cloudwatch", _ALL, "GetMetricData"),
)
#: kind -> the kinds that go live by it where a sandbox is stable
STABLE: Mapping[str, tuple[str, ...]] = {
    "function": ("version", "alias"),
    "flow": ("flow version", "flow alias"),
}
#: what the bucket takes that versions and large packages are kept in; ``{bucket}`` is its name
ARTIFACTS: tuple[Grant, ...] = (
    Grant(
        "s3",
        ("arn:{p}:s3:::{bucket}",),
        "ListBucket GetBucketTagging",
        "CreateBucket TagResource PutBucketTagging PutBucketPublicAccessBlock PutBucketPolicy "
        "PutLifecycleConfiguration",
    ),
    Grant("s3", ("arn:{p}:s3:::{bucket}/*",), "GetObject", "PutObject"),
)
LAYERS: tuple[Grant, ...] = (
    Grant("lambda", _ALL, "ListLayerVersions"),
    Grant("lambda", ("arn:{p}:lambda:{r}:*:layer:*",), "GetLayerVersion"),
)
NETWORK: tuple[Grant, ...] = (
    Grant("ec2", _ALL, "", "DescribeSubnets DescribeSecurityGroups DescribeVpcs"),
)
FILE_SYSTEM: tuple[Grant, ...] = (
    Grant("elasticfilesystem", _ALL, "", "DescribeMountTargets DescribeAccessPoints"),
)
IMAGES: tuple[Grant, ...] = (
    Grant(
        "ecr",
        ("arn:{p}:ecr:{r}:*:repository/*",),
        "DescribeImages DescribeRepositories",
        "BatchGetImage GetDownloadUrlForLayer GetRepositoryPolicy SetRepositoryPolicy",
    ),
)
