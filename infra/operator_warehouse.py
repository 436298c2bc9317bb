"""The permissions that an operator needs for the warehouse itself, in either mode."""

from __future__ import annotations

from typing import Any

from infra.policies import Document, allow, document, for_project, of_project
from infra.settings import InfraSettings


def cluster_policy(settings: InfraSettings, account: str, partition: str) -> Document:
    project = settings.project

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{settings.region}:{account}:{resource}"

    cluster, groups = arn("redshift", f"cluster:{project}"), arn("redshift", f"subnetgroup:{project}")
    parameters, snapshots = arn("redshift", f"parametergroup:{project}"), arn("redshift", f"snapshot:{project}/*")
    return document(
        # AWS has no resource to limit these to.
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


def serverless_policy(settings: InfraSettings, account: str, partition: str) -> Document:
    project = settings.project

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{settings.region}:{account}:{resource}"

    # Their ARNs contain IDs that are unknown until creation: the tag identifies the project's.
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
        # The Data API grants the operator's user its permission, as the admin.
        allow("Grant", ["redshift-data:ExecuteStatement"], [places[1]], Condition=of_project(project)),
        allow(
            "AdminOfTheGrant",
            ["secretsmanager:GetSecretValue"],
            [arn("secretsmanager", f"secret:redshift!{project}-*")],
        ),
        # AWS has no resource to limit these to.
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
        allow("MakeNamespace", ["redshift-serverless:CreateNamespace"], [places[0]], Condition=for_project(project)),
        allow("MakeWorkgroup", ["redshift-serverless:CreateWorkgroup"], [places[1]], Condition=for_project(project)),
        allow("TagWhatIsMade", ["redshift-serverless:TagResource"], places, Condition=for_project(project)),
        allow("TagWhatIsThere", ["redshift-serverless:TagResource"], [places[1]], Condition=of_project(project)),
        allow("TagLastSnapshot", ["redshift-serverless:TagResource"], [snapshots], Condition=for_project(project)),
        allow(
            "ChangeNamespace",
            ["redshift-serverless:DeleteNamespace", "redshift-serverless:UpdateNamespace"],
            [places[0]],
            Condition=of_project(project),
        ),
        allow(
            "ChangeWorkgroup",
            [
                "redshift-serverless:DeleteWorkgroup",
                "redshift-serverless:GetCredentials",
                "redshift-serverless:UpdateWorkgroup",
            ],
            [places[1]],
            Condition=of_project(project),
        ),
        _password(arn("secretsmanager", f"secret:redshift!{project}-*")),
        *_key(settings),
    )


def _password(secret: str) -> dict[str, Any]:
    """Redshift stores the admin's password in Secrets Manager with the permissions of the creating identity."""
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
