"""Access to AWS: clients from boto3's credential chain, the tag that marks the project's resources, one-line errors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.errors import InfraAccessError, InfraError, InfraUsageError

if TYPE_CHECKING:
    import boto3

    from infra.settings import InfraSettings

PROJECT_TAG = "sparkify:project"


class Clock:
    """The current time, and waiting; the tests replace it with one that does not wait."""

    def now(self) -> datetime:
        return datetime.now(tz=UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Aws:
    """One account and region. Each client is created once, because creating one costs more than most calls."""

    session: boto3.Session
    region: str
    account: str
    partition: str
    caller: str
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = _client(self.session, service, self.region)
        return self._clients[service]

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        return f"arn:{self.partition}:{service}:{self.region if region is None else region}:{self.account}:{resource}"


def connect(settings: InfraSettings) -> Aws:
    """Sign in with the credentials that boto3 finds: environment, profile, SSO or the machine's role."""
    import boto3

    with aws_errors():
        session = boto3.Session(region_name=settings.region)
        caller = _client(session, "sts", settings.region, attempts=2).get_caller_identity()
    return Aws(session, settings.region, caller["Account"], caller["Arn"].split(":")[1], caller["Arn"])


def _client(session: boto3.Session, service: str, region: str, attempts: int = 6) -> Any:
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": attempts}, connect_timeout=10, read_timeout=60)
    return session.client(service, region_name=region, config=config)


def tags_of(project: str, name: str = "") -> dict[str, str]:
    """The tags of every resource; only resources with the project tag are ever changed or deleted."""
    return {PROJECT_TAG: project, **({"Name": name} if name else {})}


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in tags.items()]


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping; services differ in whether they write Key or key."""
    return {tag.get("Key") or tag["key"]: tag.get("Value") or tag.get("value", "") for tag in tags or []}


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Ignore these error codes, which mean that the call has nothing left to do; raise all others."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


_SIGN_IN = "Set AWS_PROFILE, sign in with `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_CODES = {
    "expired": ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
    "unknown": ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"),
    "signature": ("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
    "denied": (
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "Client.UnauthorizedOperation",
        "DependentServiceAccessDenied",
        "403",
    ),
    "throttled": (
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "DependentServiceRequestThrottlingFault",
    ),
}
_CAUSES = {code: cause for cause, codes in _CODES.items() for code in codes}


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn errors of AWS and boto3 into one line that says what to do."""
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        raise _from_answer(error) from error
    except exceptions.ProfileNotFound as error:
        raise InfraUsageError(f"{error}. {_SIGN_IN}.") from error
    except (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
    ) as error:
        raise InfraAccessError(f"No working AWS credentials were found ({_one_line(error)}). {_SIGN_IN}.") from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise InfraAccessError(
            f"AWS could not be reached ({_one_line(error)}). Check the network and run the command again; "
            "it continues where it stopped."
        ) from error
    except exceptions.BotoCoreError as error:
        raise InfraError(f"{_one_line(error)}.") from error


def _from_answer(error: Any) -> InfraError:
    code, text = error.response["Error"].get("Code", ""), _one_line(error.response["Error"].get("Message", ""))
    match _CAUSES.get(code):
        case "expired":
            return InfraAccessError(f"The AWS credentials have expired. {_SIGN_IN}.")
        case "unknown":
            return InfraAccessError(f"AWS does not recognize these credentials ({code}). {_SIGN_IN}.")
        case "signature":
            return InfraAccessError(
                f"AWS rejected the signature ({code}): the secret key or this machine's clock is wrong. {_SIGN_IN}."
            )
        case "denied":
            found = re.search(r"not authorized to perform:? ([\w-]+:\w+)", text)
            missing = found[1] if found else error.operation_name
            return InfraAccessError(
                f"These credentials lack the permission {missing}. Attach the policies that "
                "`./inv infra.policy` prints, then run the command again."
            )
        case "throttled":
            return InfraAccessError(
                f"AWS is throttling requests ({code} from {error.operation_name}). Run the command again in a minute; "
                "it continues where it stopped."
            )
    if code.endswith(("QuotaExceeded", "QuotaExceededFault", "LimitExceeded", "LimitExceededFault")):
        return InfraError(
            f"A quota of the account is used up ({code}: {text}). Free some of it, or ask AWS to raise it."
        )
    if code == "InsufficientClusterCapacity":
        return InfraError(
            "AWS has no free nodes of this type in the region now. Try again later, or choose another infra.node_type."
        )
    return InfraError(f"AWS refused {error.operation_name}: {text or code} ({code}).")


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")
