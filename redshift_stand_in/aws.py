"""The AWS of the stand-in: moto's server, what of Redshift's API it lacks, and what a COPY's role may read."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote
from urllib.request import Request, urlopen
from xml.sax.saxutils import escape

import boto3
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from redshift_stand_in.errors import RedshiftError

REGION = "us-west-2"
CREDENTIAL_SECONDS = 900


@dataclass
class Accounts:
    """Who may sign in: users with a password, and the credentials that were issued, each until its time."""

    passwords: dict[str, str] = field(default_factory=dict)
    issued: dict[tuple[str, str], float] = field(default_factory=dict)
    create_user: Callable[[str], None] = lambda _: None

    def issue(self, user: str) -> tuple[str, datetime]:
        """A password for a database user, as GetClusterCredentials gives one; and when it expires."""
        password = secrets.token_urlsafe(24)
        expires = time.time() + CREDENTIAL_SECONDS
        self.issued[user, password] = expires
        return password, datetime.fromtimestamp(expires, tz=UTC)

    def expire(self) -> None:
        """Make every issued credential one of the past."""
        self.issued = dict.fromkeys(self.issued, 0.0)

    def is_expired(self, user: str, password: str) -> bool:
        return (user, password) in self.issued and self.issued[user, password] <= time.time()

    def sign_in(self, user: str, password: str) -> str:
        """The database user that these credentials stand for, or nothing."""
        if self.issued.get((user, password), 0.0) > time.time():
            name = user.removeprefix("IAM:").removeprefix("IAMA:")
            self.create_user(name)
            return name
        given = self.passwords.get(user)
        return user if given is not None and secrets.compare_digest(given, password) else ""


class Aws:
    """moto on loopback. requests holds the method and path of each call since it was last cleared."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.requests: list[tuple[str, str]] = []
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reset(self) -> None:
        """Forget everything. moto's state belongs to the process: whoever uses moto in it may have done so, too."""
        urlopen(Request(f"{self.endpoint}/moto-api/reset", method="POST")).close()  # noqa: S310

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of this AWS, whatever the environment says of another."""
        with self._lock:  # making one is slow, and not for several threads at once
            if (service, region) not in self._clients:
                keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
                session = boto3.Session(**keys, region_name=region)
                self._clients[service, region] = session.client(service, endpoint_url=self.endpoint)
            return self._clients[service, region]

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests.append((environ["REQUEST_METHOD"], unquote(environ.get("PATH_INFO", ""))))
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        if is_form or target.startswith("RedshiftServerless."):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            if target.startswith("RedshiftServerless."):
                answer = self._serverless(target.partition(".")[2], json.loads(body or b"{}"))
            else:
                answer = self._provisioned({name: values[0] for name, values in parse_qs(body.decode()).items()})
            if answer:
                status, kind, text = answer
                start_response(status, [("Content-Type", kind), ("Content-Length", str(len(text.encode())))])
                return [text.encode()]
        return self._app(environ, start_response)

    def _provisioned(self, form: dict[str, str]) -> tuple[str, str, str] | None:
        """GetClusterCredentials and GetClusterCredentialsWithIAM; None for all that moto has."""
        action = form.get("Action", "")
        if action == "DescribeCustomDomainAssociations":  # the driver asks, for a host that is not of amazonaws.com
            error = "<Type>Sender</Type><Code>CustomCnameAssociationFault</Code><Message>None found.</Message>"
            return "404 Not Found", "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        if action not in ("GetClusterCredentials", "GetClusterCredentialsWithIAM"):
            return None
        identifier = form.get("ClusterIdentifier", "")
        if identifier not in get_backend("redshift")[DEFAULT_ACCOUNT_ID][REGION].clusters:
            message = f"<Message>Cluster {escape(identifier)} not found.</Message>"
            error = f"<Type>Sender</Type><Code>ClusterNotFound</Code>{message}"
            return "404 Not Found", "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        user = f"IAM:{form['DbUser']}" if action == "GetClusterCredentials" else "IAMR:operator"
        password, expires = self.accounts.issue(user)
        result = (
            f"<DbUser>{escape(user)}</DbUser><DbPassword>{password}</DbPassword>"
            f"<Expiration>{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
        )
        return (
            "200 OK",
            "text/xml",
            (
                f'<{action}Response xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><{action}Result>{result}'
                f"</{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
            ),
        )

    def _serverless(self, action: str, form: dict[str, Any]) -> tuple[str, str, str] | None:
        del form
        if action != "GetCredentials":
            return None
        password, expires = self.accounts.issue("IAMR:operator")
        answer = {"dbUser": "IAMR:operator", "dbPassword": password, "expiration": expires.timestamp()}
        return "200 OK", "application/x-amz-json-1.1", json.dumps(answer)


class Role:
    """What a role may do in S3, as its policies say."""

    def __init__(self, arn: str, user: str) -> None:
        roles = get_backend("iam")[DEFAULT_ACCOUNT_ID]["aws"].roles.values()
        role = next((role for role in roles if role.arn == arn), None)
        if role is None or "redshift" not in json.dumps(_principals(role.assume_role_policy_document)):
            raise RedshiftError(
                f"User arn:aws:redshift:{REGION}:{DEFAULT_ACCOUNT_ID}:dbuser:stand-in/{user} is not authorized to "
                f"assume IAM Role {arn}",
                detail="code: 8001",
            )
        inline = [
            document if isinstance(document, str) else json.dumps(document) for document in role.policies.values()
        ]
        self._policies = [IAMPolicy(document) for document in inline]
        self._policies += [IAMPolicy(policy) for policy in role.managed_policies.values()]

    def check(self, action: str, resource: str, before: str = "") -> None:
        results = [policy.is_action_permitted(action, resource) for policy in self._policies]
        if PermissionResult.DENIED in results or PermissionResult.PERMITTED not in results:
            raise s3_error("Access Denied", 403, "AccessDenied", before)


def s3_error(message: str, status: int, code: str, before: str = "") -> RedshiftError:
    text = f"S3ServiceException:{message},Status {status},Error {code},Rid 1A2B3C4D5E6F,ExtRid 7G8H9I,CanRetry 1"
    return RedshiftError(before + text, detail="code: 8001")


def _principals(document: Any) -> list[Any]:
    """Whom a trust policy lets in."""
    policy = json.loads(unquote(document)) if isinstance(document, str) else document
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return [statement.get("Principal") for statement in statements if statement["Effect"] == "Allow"]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # clients keep their connections

    def log(self, kind: str, message: str, *arguments: Any) -> None:
        pass
