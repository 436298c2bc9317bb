"""What an operator must be allowed to do for every infra command, and nothing else."""

from __future__ import annotations

from typing import Any

from infra.aws import PROJECT_TAG
from infra.policies import Document, allow, document
from infra.settings import InfraSettings


def operator_policies(settings: InfraSettings, *, account: str, partition: str = "aws") -> dict[str, Document]:
    """Four managed policies, since IAM takes 6,144 characters in each.

    Both kinds of warehouse are in them: a plan looks for either, lest one that is not wanted is left to cost.
    """
    return {
        "data": _data(settings, account, partition),
        "network": _network(settings, account, partition),
        "cluster": _cluster(settings, account, partition),
        "serverless": _serverless(settings, account, partition),
    }


def _data(settings: InfraSettings, account: str, partition: str) -> Document:
    project, region = settings.project, settings.region
    bucket = settings.bucket or f"{project}-{account}-{region}"
    roles = [
        f"arn:{partition}:iam::{account}:role{settings.roles_path}{project}-{name}-{region}" for name in ("copy", "ttl")
    ]
    return document(
        allow(
            "Bucket",
            [
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:TagResource",
            ],
            [f"arn:{partition}:s3:::{bucket}"],
        ),
        allow(
            "Objects",
            ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"],
            [f"arn:{partition}:s3:::{bucket}/*"],
        ),
        allow(
            "Roles",
            [
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UpdateAssumeRolePolicy",
            ],
            roles,
        ),
        allow(
            "HandOverRoles",
            ["iam:PassRole"],
            roles,
            Condition={
                "StringEquals": {
                    "iam:PassedToService": [
                        "redshift.amazonaws.com",
                        "redshift-serverless.amazonaws.com",
                        "scheduler.amazonaws.com",
                    ]
                }
            },
        ),
        # These have no resource that they could be limited to.
        allow("FindByTag", ["iam:ListRoles", "tag:GetResources"], ["*"]),
        *_end(settings, account, partition),
    )


def _network(settings: InfraSettings, account: str, partition: str) -> Document:
    kinds = (
        "internet-gateway",
        "route-table",
        "security-group",
        "subnet",
        "vpc",
        "vpc-endpoint",
    )
    ours = {kind: f"arn:{partition}:ec2:{settings.region}:{account}:{kind}/*" for kind in kinds}
    creating = [
        "ec2:CreateInternetGateway",
        "ec2:CreateRouteTable",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet",
        "ec2:CreateVpc",
        "ec2:CreateVpcEndpoint",
    ]
    return document(
        # These have no resource that they could be limited to.
        allow(
            "Look",
            [
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
            ],
            ["*"],
        ),
        allow("Make", creating, ours.values(), Condition=_new(settings.project)),
        allow(
            "MakeIn",
            ["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpcEndpoint"],
            ours.values(),
            Condition=_ours(settings.project),
        ),
        *(
            [allow("GroupInYourVpc", ["ec2:CreateSecurityGroup"], [ours["security-group"], ours["vpc"]])]
            if settings.subnets
            else []
        ),
        allow(
            "TagWhatIsMade",
            ["ec2:CreateTags"],
            ours.values(),
            Condition={"StringEquals": {"ec2:CreateAction": [action.removeprefix("ec2:") for action in creating]}},
        ),
        allow(
            "ChangeOurs",
            [
                "ec2:AssociateRouteTable",
                "ec2:AttachInternetGateway",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:CreateRoute",
                "ec2:DeleteInternetGateway",
                "ec2:DeleteRoute",
                "ec2:DeleteRouteTable",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteSubnet",
                "ec2:DeleteVpc",
                "ec2:DeleteVpcEndpoints",
                "ec2:DescribeVpcAttribute",
                "ec2:DetachInternetGateway",
                "ec2:DisassociateRouteTable",
                "ec2:ModifyVpcAttribute",
                "ec2:ModifyVpcEndpoint",
                "ec2:RevokeSecurityGroupIngress",
            ],
            ours.values(),
            Condition=_ours(settings.project),
        ),
    )


def _cluster(settings: InfraSettings, account: str, partition: str) -> Document:
    project = settings.project

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{settings.region}:{account}:{resource}"

    cluster, groups = arn("redshift", f"cluster:{project}"), arn("redshift", f"subnetgroup:{project}")
    parameters, snapshots = arn("redshift", f"parametergroup:{project}"), arn("redshift", f"snapshot:{project}/*")
    return document(
        # These have no resource that they could be limited to.
        allow(
            "Look",
            [
                "logs:DescribeLogGroups",
                "redshift:DescribeClusterParameterGroups",
                "redshift:DescribeClusterSnapshots",
                "redshift:DescribeClusterSubnetGroups",
                "redshift:DescribeClusters",
                "redshift:DescribeOrderableClusterOptions",
            ],
            ["*"],
        ),
        allow(
            "Cluster",
            [
                "redshift:CreateCluster",
                "redshift:DeleteCluster",
                "redshift:DescribeLoggingStatus",
                "redshift:EnableLogging",
                "redshift:ModifyCluster",
                "redshift:ModifyClusterIamRoles",
                "redshift:PauseCluster",
                "redshift:RebootCluster",
                "redshift:ResizeCluster",
                "redshift:ResumeCluster",
            ],
            [cluster],
        ),
        allow(
            "SubnetGroup",
            [
                "redshift:CreateClusterSubnetGroup",
                "redshift:DeleteClusterSubnetGroup",
                "redshift:ModifyClusterSubnetGroup",
            ],
            [groups],
        ),
        allow(
            "ParameterGroup",
            [
                "redshift:CreateClusterParameterGroup",
                "redshift:DeleteClusterParameterGroup",
                "redshift:DescribeClusterParameters",
                "redshift:ModifyClusterParameterGroup",
            ],
            [parameters],
        ),
        allow("Tags", ["redshift:CreateTags"], [cluster, groups, parameters, snapshots]),
        allow("LastSnapshot", ["redshift:CreateClusterSnapshot"], [snapshots]),
        allow(
            "SignIn",
            ["redshift:GetClusterCredentials"],
            [
                arn("redshift", f"dbuser:{project}/{settings.admin}"),
                arn("redshift", f"dbname:{project}/{settings.database}"),
            ],
        ),
        allow(
            "AuditLog",
            [
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
            ],
            [arn("logs", f"log-group:/aws/redshift/cluster/{project}/*")],
        ),
        _password(arn("secretsmanager", f"secret:redshift!{project}-*")),
        *_key(settings),
    )


def _serverless(settings: InfraSettings, account: str, partition: str) -> Document:
    project = settings.project

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{settings.region}:{account}:{resource}"

    # Their ARNs have ids that are not known before they are there: the tag tells which are the project's.
    places = [arn("redshift-serverless", "namespace/*"), arn("redshift-serverless", "workgroup/*")]
    snapshots = arn("redshift-serverless", "snapshot/*")
    return document(
        allow("Look", ["redshift-serverless:GetNamespace"], [places[0]]),
        allow("LookAtWorkgroup", ["redshift-serverless:GetWorkgroup"], [places[1]]),
        allow("LookAtTags", ["redshift-serverless:ListTagsForResource"], places),
        allow(
            "LookAtSnapshots",
            [
                "redshift-serverless:CreateSnapshot",
                "redshift-serverless:GetSnapshot",
                "redshift-serverless:ListSnapshots",
            ],
            [snapshots],
        ),
        # The operator's own user gets its grant by the Data API, in the name of the admin.
        allow("Grant", ["redshift-data:ExecuteStatement"], [places[1]], Condition=_ours(project)),
        allow(
            "AdminOfTheGrant",
            ["secretsmanager:GetSecretValue"],
            [arn("secretsmanager", f"secret:redshift!{project}-*")],
        ),
        # These have no resource that they could be limited to.
        allow("GrantDone", ["redshift-data:DescribeStatement"], ["*"]),
        allow(
            "UsageLimits",
            [
                "redshift-serverless:CreateUsageLimit",
                "redshift-serverless:DeleteUsageLimit",
                "redshift-serverless:ListUsageLimits",
                "redshift-serverless:UpdateUsageLimit",
            ],
            ["*"],
        ),
        allow("MakeNamespace", ["redshift-serverless:CreateNamespace"], [places[0]], Condition=_new(project)),
        allow("MakeWorkgroup", ["redshift-serverless:CreateWorkgroup"], [places[1]], Condition=_new(project)),
        allow("TagWhatIsMade", ["redshift-serverless:TagResource"], places, Condition=_new(project)),
        allow("TagWhatIsThere", ["redshift-serverless:TagResource"], [places[1]], Condition=_ours(project)),
        allow("TagLastSnapshot", ["redshift-serverless:TagResource"], [snapshots], Condition=_new(project)),
        allow(
            "ChangeNamespace",
            ["redshift-serverless:DeleteNamespace", "redshift-serverless:UpdateNamespace"],
            [places[0]],
            Condition=_ours(project),
        ),
        allow(
            "ChangeWorkgroup",
            [
                "redshift-serverless:DeleteWorkgroup",
                "redshift-serverless:GetCredentials",
                "redshift-serverless:UpdateWorkgroup",
            ],
            [places[1]],
            Condition=_ours(project),
        ),
        _password(arn("secretsmanager", f"secret:redshift!{project}-*")),
        *_key(settings),
    )


def _end(settings: InfraSettings, account: str, partition: str) -> list[dict[str, Any]]:
    project, region = settings.project, settings.region
    group = f"arn:{partition}:scheduler:{region}:{account}:schedule-group/{project}"
    schedules = f"arn:{partition}:scheduler:{region}:{account}:schedule/{project}/{project}-*"
    return [
        allow(
            "ScheduleGroup",
            [
                "scheduler:CreateScheduleGroup",
                "scheduler:DeleteScheduleGroup",
                "scheduler:GetScheduleGroup",
                "scheduler:ListTagsForResource",
                "scheduler:TagResource",
            ],
            [group],
        ),
        allow(
            "Schedules",
            [
                "scheduler:CreateSchedule",
                "scheduler:DeleteSchedule",
                "scheduler:GetSchedule",
                "scheduler:UpdateSchedule",
            ],
            [schedules],
        ),
    ]


def _password(secret: str) -> dict[str, Any]:
    """Redshift keeps the admin's password in Secrets Manager, and does so in the name of who makes the warehouse."""
    return allow(
        "Password",
        [
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UpdateSecret",
        ],
        [secret],
    )


def _key(settings: InfraSettings) -> list[dict[str, Any]]:
    actions = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    return [allow("Key", actions, [settings.kms_key])] if settings.kms_key else []


def _ours(project: str) -> dict[str, Any]:
    return {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": project}}


def _new(project: str) -> dict[str, Any]:
    return {"StringEquals": {f"aws:RequestTag/{PROJECT_TAG}": project}}
