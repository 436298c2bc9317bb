"""The operator's permission to create schemas on Redshift Serverless.

On a cluster an operator signs in by IAM as the admin. Serverless instead creates a new user for each IAM identity,
without permissions. So infra.up, as the admin (whose password only Secrets Manager knows), grants the operator's user
the creation of schemas through the Data API. A tag of the workgroup records the grant: checking it in the database
would wake the workgroup, and cost a minute, at every plan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.errors import InfraError
from infra.resource import Context, Found
from infra.serverless import Namespace, ServerlessResource

GRANTED_TAG = "sparkify:granted"
_UNFINISHED = ("SUBMITTED", "PICKED", "STARTED")


class Grant(ServerlessResource):
    kind = "grant"
    key = "grant"
    why = "Lets your database user create schemas; IAM signs you in as that user"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.name = database_user(context.aws.caller) if context.aws else "IAM:you"

    def wanted(self) -> dict[str, object]:
        return {}

    def find(self) -> Found | None:
        return Found(self.name, {}, self.tags) if self.name in self._granted() else None

    def _granted(self) -> list[str]:
        arn = self.context.ids.get("workgroup")
        return self.tags_there(arn).get(GRANTED_TAG, "").split() if arn else []

    def create(self) -> None:
        self._run(f'create user "{self.name}" password disable', but="already exists")
        self._run(f'grant create on database {self.settings.database} to "{self.name}"')
        # A tag has room for a few names. An older user is simply granted again.
        granted = " ".join([*self._granted(), self.name][-3:])
        self.serverless.tag_resource(
            resourceArn=self.context.id_of("workgroup"), tags=[{"key": GRANTED_TAG, "value": granted}]
        )

    def _run(self, sql: str, *, but: str = "") -> None:
        """Run a statement as the admin; ignore an error that contains `but`."""
        client = self.aws.client("redshift-data")
        secret = Namespace(self.context).describe()["adminPasswordSecretArn"]
        name = self.settings.project
        database = self.settings.database
        asked = client.execute_statement(WorkgroupName=name, Database=database, SecretArn=secret, Sql=sql)
        while (answer := client.describe_statement(Id=asked["Id"]))["Status"] in _UNFINISHED:
            self.context.clock.sleep(1)
        if answer["Status"] != "FINISHED" and not (but and but in answer.get("Error", "")):
            raise InfraError(f"The database refused {sql!r}: {answer.get('Error', answer['Status'])}.")

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        raise AssertionError("a grant has nothing to change")

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        raise AssertionError("a grant is deleted with its workgroup")


def database_user(caller: str) -> str:
    """The database user that Serverless creates for an IAM identity: IAM:NAME or IAMR:ROLE."""
    match = re.fullmatch(r"arn:[\w-]+:(?:iam|sts)::\d{12}:(user|assumed-role|federated-user)/(.+)", caller)
    if not match or not re.fullmatch(r"[\w+=,.@/-]+", match[2], re.ASCII):
        raise InfraError(f"Serverless has no user for {caller}. Sign in as an IAM user or with a role, not as root.")
    parts = match[2].split("/")
    return f"IAMR:{parts[0]}" if match[1] == "assumed-role" else f"IAM:{parts[-1]}"
