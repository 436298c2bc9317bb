"""The stand-in as a whole: started, asked for the environment that leads clients to it, and stopped."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from redshift_stand_in.aws import REGION, Accounts, Aws
from redshift_stand_in.certificate import make_certificate
from redshift_stand_in.connection import Connection
from redshift_stand_in.log import Log
from redshift_stand_in.postgres import Postgres
from redshift_stand_in.system_tables import SystemTables

CLUSTER = "stand-in"
DATABASE = "sparkify"
USER = "sparkify"
PASSWORD = "Stand-In-1"  # noqa: S105  # of a server on loopback that ends with its test
BUCKET = "sparkify-warehouse"
ROLE = "sparkify-copy"


class StandIn:
    """A Redshift on loopback with the AWS around it.

    before_object, where it is set, is called by every COPY before it reads an object, with the connection and the URI;
    before_statement before every statement is carried out, with the connection and the SQL.
    """

    def __init__(self) -> None:
        self.accounts = Accounts({USER: PASSWORD})
        self.aws = Aws(self.accounts)
        self.postgres = Postgres()
        self.system_tables = SystemTables(self.postgres)
        self.log = Log()
        self.before_object: Callable[[Connection, str], None] | None = None
        self.before_statement: Callable[[Connection, str], None] | None = None
        self._connections: dict[Connection, threading.Thread] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="stand-in-tls-"))
        self._listener = socket.socket()

    def start(self) -> Self:
        try:
            self.tls, self.authority = make_certificate(self._folder)
            self.postgres.start()
            self.aws.start()
            self.accounts.create_user = self._ensure_user
            self._ensure_user(USER)
            self._furnish_aws()
            self.create_database(DATABASE)
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(64)
            threading.Thread(target=self._accept, daemon=True).start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self.drop_connections()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self.aws.is_running:
            self.aws.stop()
        self.postgres.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections)

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def role_arn(self) -> str:
        return self.aws.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]

    def environment(self, database: str = DATABASE, method: str = "iam") -> dict[str, str]:
        """What a client's environment needs to find this Redshift, its bucket and its role, and no other.

        method is how dbt signs in: "iam", or with the password, "database", which takes a third of a second less.
        """
        return {
            "SPARKIFY_TARGET": "redshift",
            "SPARKIFY_REDSHIFT_METHOD": method,
            "SPARKIFY_REDSHIFT_HOST": "127.0.0.1",
            "SPARKIFY_REDSHIFT_PORT": str(self.port),
            "SPARKIFY_REDSHIFT_USER": USER,
            "SPARKIFY_REDSHIFT_PASSWORD": PASSWORD,
            "SPARKIFY_REDSHIFT_DBNAME": database,
            "SPARKIFY_REDSHIFT_CLUSTER_ID": CLUSTER,
            "INVOKE_REDSHIFT_BUCKET": BUCKET,
            "INVOKE_REDSHIFT_COPY_ROLE_ARN": self.role_arn,
            "SSL_CERT_FILE": str(self.authority),
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def create_database(self, name: str) -> None:
        connection = self.postgres.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute(f'create database "{name}" template template1 owner "{USER}"')
        connection.close()

    def reset(self) -> None:
        """An empty database and an AWS as at the start, whoever was connected to the old ones."""
        self.before_object = None
        self.before_statement = None
        self.aws.reset()
        self._furnish_aws()
        self.recreate_database()

    def recreate_database(self) -> None:
        """An empty database, whoever was connected to the old one."""
        self.drop_connections()
        connection = self.postgres.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute(f'drop database "{DATABASE}" with (force)')
        connection.close()
        self.create_database(DATABASE)

    def make_admin(self, name: str) -> None:
        """The user that a cluster is made with, who may do everything."""
        self._ensure_user(name)
        connection = self.postgres.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute(f'alter role "{name}" superuser')
        connection.close()

    def allow_reading(self, *buckets: str) -> None:
        """Let COPY's role list and read these buckets, and no others."""
        resources = [f"arn:aws:s3:::{bucket}" for bucket in buckets]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": resources},
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": [f"{resource}/*" for resource in resources],
                },
            ],
        }
        self.aws.client("iam").put_role_policy(RoleName=ROLE, PolicyName="read", PolicyDocument=json.dumps(policy))

    def create_bucket(self, name: str, region: str = REGION) -> None:
        self.aws.client("s3", region).create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": region}
        )

    def drop_connections(self) -> None:
        """Cut every client off, as a network does."""
        for connection, thread in list(self._connections.items()):
            connection.cut()
            if thread is not threading.current_thread():
                thread.join()

    def _furnish_aws(self) -> None:
        """A cluster that gives out credentials, a bucket of the project's own, and a role for COPY."""
        self.aws.client("redshift").create_cluster(
            ClusterIdentifier=CLUSTER,
            NodeType="rg.large",
            ClusterType="single-node",
            MasterUsername=USER,
            MasterUserPassword=PASSWORD,
        )
        self.create_bucket(BUCKET)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        self.aws.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        self.allow_reading("*")  # who tries it out has buckets of his own

    def _ensure_user(self, name: str) -> None:
        connection = self.postgres.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute("select from pg_roles where rolname = %s", (name,))
            if not cursor.fetchall():
                cursor.execute(f'create role "{name}" login createdb createrole')
        connection.close()

    def _accept(self) -> None:
        while True:
            try:
                channel, _ = self._listener.accept()
            except OSError:
                return
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # answers are many and small
            connection = Connection(self, channel)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            del self._connections[connection]
