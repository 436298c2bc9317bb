"""S3 for the whole pipeline: the client, addresses, and one-line errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import MachineError

WORKERS = 32


def s3_client(workers: int = WORKERS) -> Any:
    """An S3 client with a connection for each worker, and a few more for other requests.

    Without credentials its requests are not signed, which is enough for a public bucket.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    session = boto3.Session()
    config = Config(max_pool_connections=workers + 8, retries={"mode": "standard", "max_attempts": 5})
    if session.get_credentials() is None:
        config = config.merge(Config(signature_version=UNSIGNED))
    return session.client("s3", config=config)


def has_credentials() -> bool:
    """Whether there are credentials to sign requests with."""
    import boto3

    return boto3.Session().get_credentials() is not None


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// address."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


_S3_CURES = {
    "NoSuchBucket": "no such bucket; check the address",
    "AccessDenied": "access denied; your credentials need s3:ListBucket and s3:GetObject there",
    "403": "access denied; your credentials need s3:ListBucket and s3:GetObject there",
    "InvalidObjectState": "archived (Glacier); restore the object, or move it out of the source",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION to that region",
    "ExpiredToken": "the credentials have expired; sign in again",
    "InvalidAccessKeyId": "the access key is unknown; check AWS_ACCESS_KEY_ID or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret key is wrong; check AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
}


@contextmanager
def s3_errors(source: str) -> Iterator[None]:
    """Turn an error of S3 or its library into one line that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("AccessDenied", "403") and not has_credentials():
            raise MachineError(
                f"{source}: access denied, and no AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY. Only public buckets need none."
            ) from error
        raise MachineError(f"{source}: {_S3_CURES.get(code, str(error))}.") from error
    except (BotoCoreError, OSError) as error:
        raise MachineError(f"{source}: {error}.") from error
