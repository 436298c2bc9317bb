"""What a serverless warehouse lacks for its operator: whoever signs in by IAM is a new user there, who may do nothing.

A cluster lends its admin by IAM; Serverless does not. So the admin, whose password only Secrets Manager knows, lets the
operator's own user create schemas, once, by the Data API. That is written down in a tag of the workgroup: asking the
database would wake it, and cost a minute, at every plan.
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
    why = "Your own user of the database may create schemas in it; IAM signs you in as that user"

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
        # A tag has room for some: who was there long ago is granted once more.
        granted = " ".join([*self._granted(), self.name][-3:])
        self.serverless.tag_resource(
            resourceArn=self.context.id_of("workgroup"), tags=[{"key": GRANTED_TAG, "value": granted}]
        )

    def _run(self, sql: str, *, but: str = "") -> None:
        """Run a statement as the admin; an error that says `but` is as good as done."""
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
        raise AssertionError("a grant goes with its workgroup")


def database_user(caller: str) -> str:
    """The user that Redshift Serverless makes of an IAM identity: IAM:NAME, or IAMR:ROLE."""
    match = re.fullmatch(r"arn:[\w-]+:(?:iam|sts)::\d{12}:(user|assumed-role|federated-user)/(.+)", caller)
    if not match or not re.fullmatch(r"[\w+=,.@/-]+", match[2], re.ASCII):
        raise InfraError(f"Serverless cannot be used as {caller}: sign in as an IAM user or with a role, not as root.")
    parts = match[2].split("/")
    return f"IAMR:{parts[0]}" if match[1] == "assumed-role" else f"IAM:{parts[-1]}"
