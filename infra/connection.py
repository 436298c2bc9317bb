"""How to reach the warehouse: the variables that profiles.yml and the load read."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from infra.cluster import Cluster
from infra.errors import InfraError
from infra.resource import Context
from infra.serverless import Workgroup
from infra.storage import Bucket


@dataclass(frozen=True)
class Connection:
    """Sign-in uses IAM, so none of the variables is a secret."""

    variables: dict[str, str]

    @property
    def exports(self) -> str:
        """Export statements for a POSIX shell."""
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in self.variables.items())


def connection(context: Context) -> Connection:
    """The variables of the existing stack.

    Raises:
        InfraError: there is no stack, or it has no address yet.
    """
    settings = context.settings
    place = Workgroup(context) if settings.is_serverless else Cluster(context)
    there = place.describe() or {}
    endpoint = there.get("endpoint") or there.get("Endpoint") or {}
    host = endpoint.get("address") or endpoint.get("Address")
    if not host:
        raise InfraError(f"The {place.kind} {place.name} has no address yet. Run `./inv infra.up` and wait for it.")
    if settings.is_serverless:
        which = {"SPARKIFY_REDSHIFT_SERVERLESS": place.name}
    else:
        # A new cluster has only its admin user. Nobody knows its password; IAM issues a temporary one.
        which = {"SPARKIFY_REDSHIFT_CLUSTER_ID": place.name, "SPARKIFY_REDSHIFT_USER": settings.admin}
    return Connection(
        {
            "SPARKIFY_TARGET": "redshift",
            "SPARKIFY_REDSHIFT_METHOD": "iam",
            "SPARKIFY_REDSHIFT_HOST": host,
            "SPARKIFY_REDSHIFT_PORT": str(endpoint.get("port") or endpoint.get("Port") or settings.port),
            "SPARKIFY_REDSHIFT_DBNAME": settings.database,
            **which,
            "AWS_REGION": settings.region,
            "INVOKE_REDSHIFT_BUCKET": Bucket(context).name,
            "INVOKE_REDSHIFT_COPY_ROLE_ARN": context.online.arn("iam", _copy_role(context), region=""),
        }
    )


def _copy_role(context: Context) -> str:
    settings = context.settings
    return f"role{settings.roles_path}{settings.project}-copy-{settings.region}"
