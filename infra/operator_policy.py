"""The permissions that an operator needs for the infra commands, and no others."""

from __future__ import annotations

from typing import Any

from infra.operator_warehouse import cluster_policy, serverless_policy
from infra.policies import Document, allow, document, for_project, of_project
from infra.settings import InfraSettings


def operator_policies(settings: InfraSettings, *, account: str, partition: str = "aws") -> dict[str, Document]:
    """Four managed policies, because IAM limits each to 6,144 characters.

    They cover both modes, because a plan also looks for a warehouse of the other mode, which would keep costing money.
    """
    return {
        "data": _data(settings, account, partition),
        "network": _network(settings, account, partition),
        "cluster": cluster_policy(settings, account, partition),
        "serverless": serverless_policy(settings, account, partition),
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
        # AWS has no resource to limit these to.
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
        # AWS has no resource to limit these to.
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
        allow("Make", creating, ours.values(), Condition=for_project(settings.project)),
        allow(
            "MakeIn",
            ["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpcEndpoint"],
            ours.values(),
            Condition=of_project(settings.project),
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
            Condition=of_project(settings.project),
        ),
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
