"""An AWS in this process: moto for what it has, and a Redshift that moves through its states, refuses and fails.

moto takes any cluster and has it at once, and has no Serverless. Here both are made of what the service says of itself:
requests are validated by botocore's model before they come here, answers are held against it on their way out, what
the service would refuse is refused, and a transition takes as many looks as it is told to.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import botocore.handlers
import moto.core.responses
from aws_account import ACCOUNT, REGION, RefusedError
from aws_inventory import inventory
from aws_redshift import RedshiftCalls
from aws_serverless import ServerlessCalls
from botocore.exceptions import ReadTimeoutError
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.core.utils import method_names_from_class
from moto.iam.access_control import PermissionResult
from moto.moto_api._internal import moto_api_backend
from moto.s3.models import FakeBucket, s3_backends

KINDS = ("error", "throttle", "timeout", "kill")
READS = ("Describe", "Get", "List", "Head")
_KEPT = object()


class Killed(BaseException):
    """The process is gone in the middle of a call; nothing of ours catches it."""


@dataclass
class Fault:
    """What happens to one call, counted from 0: refused before it is done, or done and its answer lost."""

    at: int
    kind: str  # one of KINDS


@dataclass
class Failures:
    """Each call fails once: those that look, or those that change something; in these ways, one after the other."""

    kinds: tuple[str, ...]
    of_looks: bool
    seen: set[str] = field(default_factory=set)

    def take(self, service: str, name: str, request: dict[str, Any]) -> str | None:
        # Names and times that come of the clock do not make it another call.
        call = re.sub(r"\d{14}|statement-\d+|at\([^)]*\)|[0-9a-f]{8}-[0-9a-f-]{27}", "", f"{service}:{name}:{request}")
        if call in self.seen or name.startswith(READS) is not self.of_looks:
            return None
        self.seen.add(call)
        return self.kinds[len(self.seen) % len(self.kinds)]


@dataclass
class _Answer:
    status_code: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class AwsState(RedshiftCalls, ServerlessCalls):
    """The account, and what is to happen to calls; deny has the text of those that lack a permission."""

    fault: Fault | None = None
    failures: Failures | None = None
    deny: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def reset(self, **options: Any) -> None:
        """Begin with an empty account again; clients that are there stay."""
        moto_api_backend.reset()
        self.__init__(**options)

    def everything(self) -> list[str]:
        return inventory(self)

    # What botocore calls

    def keep_parameters(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_KEPT] = dict(params)

    def before_call(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[_Answer, dict[str, Any]] | None:
        service, name = model.service_model.service_name, model.name
        number = len(self.calls)
        self.calls.append((service, name))
        request = context.get(_KEPT, {})
        self.requests.append((f"{service}:{name}", request))
        context["number"] = number
        if self.failures and (kind := self.failures.take(service, name, request)):
            self.fault = Fault(number, kind)
        if self.fault and self.fault.at == number:
            if self.fault.kind == "error":
                return _refused(RefusedError("InternalFailure", "it broke"), 500)
            if self.fault.kind == "throttle":
                return _refused(RefusedError("Throttling", "Rate exceeded"), 400)
        if f"{service}:{name}" in self.deny:
            return _refused(RefusedError("AccessDenied", self.deny[f"{service}:{name}"]), 403)
        handler = getattr(self, f"{service.replace('-', '_')}_{name}", None)
        try:
            if handler is None:
                if service in ("redshift", "redshift-serverless", "redshift-data"):
                    raise AssertionError(f"the tests' Redshift lacks {name}")
                return None
            answer = handler(request)
        except RefusedError as refusal:
            return _refused(refusal, 400)
        if answer is None:  # moto's to do
            return None
        if model.output_shape is not None:
            errors = ParamValidator().validate(answer, model.output_shape)
            assert not errors.has_errors(), errors.generate_report()
        return _Answer(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def after_call(self, model: Any, context: dict[str, Any], parsed: dict[str, Any], **_: Any) -> None:
        service, name = model.service_model.service_name, model.name
        if (service, name) == ("s3", "CreateBucket") and "Error" not in parsed:
            # moto does not read the tags that a bucket is made with
            request = context[_KEPT]
            tags = request["CreateBucketConfiguration"]["Tags"]
            s3_backends[ACCOUNT]["aws"].put_bucket_tagging(
                request["Bucket"], {tag["Key"]: tag["Value"] for tag in tags}
            )
        if (service, name) == ("resourcegroupstaggingapi", "GetResources"):
            [wanted] = context[_KEPT]["TagFilters"]
            parsed["ResourceTagMappingList"] += self._tagged(wanted["Key"], wanted["Values"])
        if self.fault and self.fault.at == context["number"]:
            if self.fault.kind == "timeout":
                raise ReadTimeoutError(endpoint_url=service)
            if self.fault.kind == "kill":
                raise Killed

    def _tagged(self, key: str, values: list[str]) -> list[dict[str, Any]]:
        arns = [(self._arn(f"cluster:{name}"), thing.tags) for name, thing in self.clusters.items()]
        arns += [(self._arn(f"subnetgroup:{name}"), one["Tags"]) for name, one in self.subnet_groups.items()]
        arns += [(self._arn(f"parametergroup:{name}"), one["Tags"]) for name, one in self.parameter_groups.items()]
        arns += [(thing.record["namespaceArn"], thing.tags) for thing in self.namespaces.values()]
        arns += [(thing.record["workgroupArn"], thing.tags) for thing in self.workgroups.values()]
        return [
            {"ResourceARN": arn, "Tags": []}
            for arn, tags in arns
            if any(
                (tag.get("Key") or tag.get("key"), tag.get("Value") or tag.get("value")) in [(key, v) for v in values]
                for tag in tags
            )
        ]

    @staticmethod
    def _arn(resource: str) -> str:
        return f"arn:aws:redshift:{REGION}:{ACCOUNT}:{resource}"


def _refused(refusal: RefusedError, status: int) -> tuple[_Answer, dict[str, Any]]:
    error = {"Code": refusal.code, "Message": str(refusal)}
    return _Answer(status), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}


@contextmanager
def aws_in_this_process(**options: Any) -> Iterator[AwsState]:
    """Every client that is made meanwhile talks to this account; credentials are there and worth nothing."""
    state = AwsState(**options)
    handlers: list[tuple[str, Callable[..., Any]]] = [
        ("before-parameter-build", state.keep_parameters),
        ("before-call", state.before_call),
        ("after-call", state.after_call),
    ]
    with (
        # It is asked at each call and always answers the same.
        patch.object(moto.core.responses, "method_names_from_class", functools.cache(method_names_from_class)),
        # moto takes a refusal of what comes without TLS for one of everything: it does not read conditions.
        patch.object(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL),
        patch.dict("os.environ", {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}),  # 1,300 images, at each reset
        mock_aws(),
        patch.object(botocore.handlers, "BUILTIN_HANDLERS", botocore.handlers.BUILTIN_HANDLERS + handlers),
    ):
        yield state
