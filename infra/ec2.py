"""The base of EC2 resources. EC2 chooses their IDs, so they are found by their tags."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from infra.aws import PROJECT_TAG, tag_list
from infra.resource import Context, Found, Resource


class Ec2Resource(Resource):
    """A resource found by its tags. If there are several, because an answer got lost, the first is used."""

    resource_type: str  # its name in TagSpecifications

    def __init__(self, context: Context, key: str, why: str) -> None:
        super().__init__(context)
        self.key, self.why = key, why
        self.name = f"{self.settings.project}-{key.replace(' ', '-')}"

    @abstractmethod
    def describe(self, filters: list[dict[str, Any]]) -> list[Found]: ...

    def find(self) -> Found | None:
        wanted = {f"tag:{PROJECT_TAG}": self.settings.project, "tag:Name": self.name}
        found = self.describe([{"Name": name, "Values": [value]} for name, value in wanted.items()])
        return min(found, key=lambda one: one.id, default=None)

    @property
    def ec2(self) -> Any:
        return self.aws.client("ec2")

    @property
    def tag_specifications(self) -> list[dict[str, Any]]:
        return [{"ResourceType": self.resource_type, "Tags": tag_list(self.tags)}]

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        raise AssertionError(f"a {self.kind} has nothing to change")
