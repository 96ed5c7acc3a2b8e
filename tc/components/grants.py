"""What a policy grants: the shape, and what tc takes whatever kinds a topology has.

Actions, and the ARNs that they are limited to, are those of the Service Authorization Reference.
An action that takes no ARN there is granted on ``*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tc.records import dataclass

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


ALL = ("*",)
FUNCTIONS = ("arn:{p}:lambda:{r}:{a}:function:{own}", "arn:{p}:lambda:{r}:{a}:function:{own}:*")
MACHINES = (
    "arn:{p}:states:{r}:{a}:stateMachine:{n}_{s}",
    "arn:{p}:states:{r}:{a}:stateMachine:{n}_{s}:*",
    "arn:{p}:states:{r}:{a}:stateMachine:{own}",
    "arn:{p}:states:{r}:{a}:stateMachine:{own}:*",
)

#: what every topology takes: what a sandbox owns, of kinds too that aren't in the files any
#: more; whether it is frozen
ALWAYS: tuple[Grant, ...] = (
    Grant("tag", ALL, "GetResources"),
    Grant("iam", ALL, "ListRoles"),
    Grant("sqs", ALL, "ListQueues"),
    Grant("dynamodb", ALL, "ListTables"),
    Grant("events", ALL, "ListRules ListConnections"),
    Grant("logs", ALL, "DescribeLogGroups"),
    Grant("s3", ALL, "ListAllMyBuckets"),
    Grant(
        "ssm",
        ("arn:{p}:ssm:{r}:{a}:parameter/tc/{n}/{s}/frozen",),
        "GetParameters",
    ),
)
#: what `tc invoke` and `tc test` take, by kind
TRIALS: Mapping[str, tuple[Grant, ...]] = {
    "function": (Grant("lambda", FUNCTIONS, "", "InvokeFunction"),),
    "flow": (
        Grant("states", MACHINES, "", "StartExecution StartSyncExecution"),
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
_ARTIFACTS = Grant(
    "s3",
    ("arn:{p}:s3:::{bucket}",),
    "ListBucket GetBucketTagging",
    "CreateBucket TagResource PutBucketTagging PutBucketPublicAccessBlock PutBucketPolicy "
    "PutLifecycleConfiguration",
)
#: what the bucket takes that versions and large packages are kept in; ``{bucket}`` is its name
ARTIFACTS: tuple[Grant, ...] = (
    _ARTIFACTS,
    Grant("s3", ("arn:{p}:s3:::{bucket}/*",), "GetObject", "PutObject"),
)
LAYERS: tuple[Grant, ...] = (
    Grant("lambda", ALL, "ListLayerVersions"),
    Grant("lambda", ("arn:{p}:lambda:{r}:*:layer:*",), "GetLayerVersion"),
)
#: a layer, and the at most a hundred parts of one that is split, but not what stable sandboxes
#: get of it by ``-stable``; in every region, since one account may have those of all
_OWN_LAYERS = tuple(f"arn:{{p}}:lambda:*:{{a}}:layer:{{name}}{part}" for part in ("", "-?", "-??"))
#: what publishing layers takes besides; ``{name}`` is each one's
PUBLISHING: tuple[Grant, ...] = (
    # of old versions those go that no function has
    Grant("lambda", ALL, "", "ListFunctions"),
    Grant("lambda", _OWN_LAYERS, "", "PublishLayerVersion"),
    # of two runs at once one publishes
    Grant("s3", ("arn:{p}:s3:::{bucket}/transit/layers/{name}-*",), "", "PutObject DeleteObject"),
    Grant(
        "lambda",
        tuple(f"{arn}:*" for arn in _OWN_LAYERS),
        "",
        "DeleteLayerVersion GetLayerVersionPolicy AddLayerVersionPermission "
        "RemoveLayerVersionPermission",
    ),
)
#: what the bucket takes that only layers are kept in
BODIES: tuple[Grant, ...] = (
    _ARTIFACTS,
    Grant("s3", ("arn:{p}:s3:::{bucket}/layers/*",), "GetObject", "PutObject"),
)
NETWORK: tuple[Grant, ...] = (
    Grant("ec2", ALL, "", "DescribeSubnets DescribeSecurityGroups DescribeVpcs"),
)
FILE_SYSTEM: tuple[Grant, ...] = (
    Grant("elasticfilesystem", ALL, "", "DescribeMountTargets DescribeAccessPoints"),
)
IMAGES: tuple[Grant, ...] = (
    Grant(
        "ecr",
        ("arn:{p}:ecr:{r}:*:repository/*",),
        "DescribeImages DescribeRepositories",
        "BatchGetImage GetDownloadUrlForLayer GetRepositoryPolicy SetRepositoryPolicy",
    ),
)
