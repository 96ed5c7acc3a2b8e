"""What IAM must allow to look at and to change the things of each kind.

It stands here and not with each kind, which every command loads: only who asks for a policy
needs it. Each kind must be here; `tests/unit/deploy/test_deployer.py` holds that.
"""

from __future__ import annotations

from collections.abc import Mapping

from tc.components.grants import ALL, FUNCTIONS, MACHINES, Grant

_APIS = (
    "arn:{p}:apigateway:{r}::/apis",
    "arn:{p}:apigateway:{r}::/apis/*",
    "arn:{p}:apigateway:{r}::/restapis",
    "arn:{p}:apigateway:{r}::/restapis/*",
    "arn:{p}:apigateway:{r}::/tags/*",
)
_RULES = ("arn:{p}:events:{r}:{a}:rule/tc_{own}", "arn:{p}:events:{r}:{a}:rule/*/tc_{own}")
_BUCKETS = ("arn:{p}:s3:::{n}-*-{s}-*",)
_OBJECTS = ("arn:{p}:s3:::{n}-*-{s}-*/*",)
_GATEWAY = Grant("apigateway", _APIS, "GET", "POST PUT PATCH DELETE TagResource")
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
        Grant("cognito-idp", ALL, "ListUserPools", "CreateUserPool"),
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
            FUNCTIONS,
            "GetFunction GetPolicy",
            "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction "
            "PutFunctionConcurrency DeleteFunctionConcurrency TagResource UntagResource",
        ),
    ),
    "version": (
        Grant("lambda", FUNCTIONS, "ListVersionsByFunction", "PublishVersion DeleteFunction"),
    ),
    "alias": (
        Grant(
            "lambda",
            FUNCTIONS,
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
        Grant("appsync", ALL, "ListApis", "CreateApi"),
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
        Grant("appsync", ALL, "ListGraphqlApis", "CreateGraphqlApi"),
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
            MACHINES,
            "DescribeStateMachine ListTagsForResource",
            "CreateStateMachine UpdateStateMachine DeleteStateMachine TagResource UntagResource",
        ),
    ),
    "flow version": (
        Grant(
            "states",
            MACHINES,
            "DescribeStateMachine ListStateMachineVersions ListExecutions",
            "PublishStateMachineVersion DeleteStateMachineVersion",
        ),
    ),
    "flow alias": (
        Grant(
            "states",
            MACHINES,
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
        Grant("scheduler", ALL, "ListSchedules"),
        Grant(
            "scheduler",
            ("arn:{p}:scheduler:{r}:{a}:schedule/{n}_{s}/*",),
            "GetSchedule",
            "CreateSchedule UpdateSchedule DeleteSchedule",
        ),
    ),
    "permission": (Grant("lambda", FUNCTIONS, "", "AddPermission RemovePermission"),),
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
            ALL,
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
        Grant("acm", ALL, "ListCertificates"),
    ),
    "page": (
        Grant("s3", _BUCKETS, "ListBucket"),
        Grant("s3", _OBJECTS, "", "PutObject DeleteObject"),
        Grant("cloudfront", (_CLOUDFRONT,), "", "CreateInvalidation"),
    ),
    "mapping": (
        Grant("lambda", ALL, "ListEventSourceMappings"),
        Grant(
            "lambda",
            ALL,
            "",
            "CreateEventSourceMapping",
            {"ArnLike": {"lambda:FunctionArn": list(FUNCTIONS)}},
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
#: what a canary takes besides: somebody who returns when the command line has died
CANARY: tuple[Grant, ...] = (
    *ACTIONS["schedule group"],
    *ACTIONS["schedule"],
    Grant("cloudwatch", ALL, "GetMetricData"),
)
#: kind -> the kinds that go live by it where a sandbox is stable
STABLE: Mapping[str, tuple[str, ...]] = {
    "function": ("version", "alias"),
    "flow": ("flow version", "flow alias"),
}
