"""The stand-in as a server: sign-in, TLS, both protocols, many clients, and nothing left behind."""

from __future__ import annotations

import ctypes
import os
import pwd
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redshift_connector
from botocore.exceptions import ClientError
from stand_in_clients import Client, connect

from pipeline.settings import PROJECT_ROOT
from redshift_stand_in import StandIn
from redshift_stand_in.stand_in import CLUSTER, PASSWORD, USER

DATABASE = "served"


@pytest.fixture(scope="module", autouse=True)
def environment(stand_in: StandIn) -> Iterator[None]:
    stand_in.create_database(DATABASE)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stand_in.environment().items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def redshift(stand_in: StandIn) -> Iterator[Client]:
    connection = connect(stand_in, DATABASE)
    yield Client(connection)
    connection.close()


def drive(stand_in: StandIn, **changes: Any) -> redshift_connector.Connection:
    """A connection of redshift_connector, which speaks the extended protocol."""
    given = {"user": USER, "password": PASSWORD, "ssl": True, "sslmode": "verify-full", **changes}
    connection = redshift_connector.connect(host="127.0.0.1", port=stand_in.port, database=DATABASE, **given)
    connection.autocommit = True
    return connection


def drive_with_iam(stand_in: StandIn, **changes: Any) -> redshift_connector.Connection:
    given = {"cluster_identifier": CLUSTER, "db_user": USER, "region": "us-west-2", **changes}
    return drive(stand_in, iam=True, user="", password="", **given)


def ask(connection: redshift_connector.Connection, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def test_a_client_must_encrypt_and_can_verify(stand_in: StandIn) -> None:
    given = {"host": "127.0.0.1", "port": stand_in.port, "dbname": DATABASE, "user": USER, "password": PASSWORD}
    with pytest.raises(psycopg2.OperationalError, match="SSL off"):
        psycopg2.connect(**given, sslmode="disable")
    with pytest.raises(psycopg2.OperationalError, match="certificate"):
        psycopg2.connect(**given, sslmode="verify-full", sslrootcert=ssl.get_default_verify_paths().openssl_cafile)
    with pytest.raises(psycopg2.OperationalError, match="does not match"):
        psycopg2.connect(**{**given, "host": "127.0.0.2", "hostaddr": "127.0.0.1"}, sslmode="verify-full",
                         sslrootcert=str(stand_in.authority))  # fmt: skip


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), (USER, ""), ("nobody_known", PASSWORD)])
def test_wrong_credentials_are_refused(stand_in: StandIn, user: str, password: str) -> None:
    with pytest.raises(redshift_connector.Error, match="password authentication failed"):
        drive(stand_in, user=user, password=password or " ")


def test_iam_signs_in_on_a_cluster(stand_in: StandIn) -> None:
    with drive_with_iam(stand_in) as connection:
        assert ask(connection, "select current_user") == [(USER,)]
    with drive_with_iam(stand_in, group_federation=True, db_user=None) as connection:
        assert ask(connection, "select current_user") == [("IAMR:operator",)]
    with pytest.raises(ClientError, match="no-such-cluster"):
        drive_with_iam(stand_in, cluster_identifier="no-such-cluster")


def test_iam_signs_in_on_a_workgroup(stand_in: StandIn) -> None:
    given = {"is_serverless": True, "serverless_work_group": "work", "serverless_acct_id": "123456789012"}
    with drive_with_iam(stand_in, cluster_identifier=None, db_user=None, **given) as connection:
        assert ask(connection, "select current_user") == [("IAMR:operator",)]


def test_an_expired_credential_is_refused(stand_in: StandIn) -> None:
    user, (password, _) = f"IAM:{USER}", stand_in.accounts.issue(f"IAM:{USER}")
    drive(stand_in, user=user, password=password).close()
    stand_in.accounts.expire()
    with pytest.raises(redshift_connector.Error, match="IAM Authentication token has expired"):
        drive(stand_in, user=user, password=password)


def test_both_protocols_do_the_same(stand_in: StandIn, redshift: Client) -> None:
    redshift.run("create table shared_rows (id integer, name varchar(10))")
    with drive(stand_in) as connection:
        for number in range(3):
            ask(connection, "insert into shared_rows values (%s, %s)", (number, f"n{number}"))
        assert ask(connection, "select name from shared_rows where id = %s", (1,)) == [("n1",)]
        with pytest.raises(redshift_connector.Error, match="string_agg"):
            ask(connection, "select string_agg(name, ',') from shared_rows")
        with pytest.raises(redshift_connector.Error, match="no_such_table"):
            ask(connection, "select * from no_such_table")
        assert ask(connection, "/* a comment */ select count(*) from shared_rows") == [(3,)]
        assert ask(connection, "set query_group to 'x'") == []
        assert ask(connection, "vacuum shared_rows") == []
        connection.autocommit = False
        ask(connection, "insert into shared_rows values (9, 'lost')")
        with pytest.raises(redshift_connector.Error, match="string_agg"):
            ask(connection, "select string_agg(name, ',') from shared_rows")
        with pytest.raises(redshift_connector.Error, match="current transaction is aborted"):
            ask(connection, "select 1")
        connection.rollback()
    assert redshift.rows("select id, name from shared_rows order by id") == [(0, "n0"), (1, "n1"), (2, "n2")]


def test_rows_can_be_fetched_a_few_at_a_time(stand_in: StandIn, redshift: Client) -> None:
    redshift.run("create table many (n integer)", "insert into many values (1), (2), (3), (4), (5)")
    redshift.run("begin", "declare few cursor for select n from many order by n")
    assert redshift.rows("fetch 2 from few") == [(1,), (2,)]
    assert redshift.rows("fetch forward 2 from few") == [(3,), (4,)]
    redshift.run("close few", "commit")
    with drive(stand_in) as connection, connection.cursor() as cursor:
        cursor.execute("select n from many order by n")
        assert [cursor.fetchone()[0], *(row[0] for row in cursor.fetchmany(3))] == [1, 2, 3, 4]


def test_several_statements_in_one_message_are_one_transaction(redshift: Client) -> None:
    redshift.run("create table batch (n integer)", "insert into batch values (1); insert into batch values (2)")
    assert redshift.rows("insert into batch values (3); select count(*) from batch") == [(3,)]
    assert redshift.refusal("insert into batch values (4); select string_agg('a', 'b'); select 1")[0] == "42883"
    assert redshift.refusal("insert into batch values (5); select 1 / 0")[0] == "22012"
    assert redshift.rows("begin; insert into batch values (6); rollback; select count(*) from batch") == [(3,)]
    assert redshift.rows("select ';' as mark -- ; not an end\n; -- nothing") == [(";",)]
    assert redshift.rows("select max(n) from batch") == [(3,)]


def test_transactions_of_several_clients_are_apart(stand_in: StandIn, redshift: Client) -> None:
    redshift.run("create table apart (n integer)", "begin", "insert into apart values (1)")
    with drive(stand_in) as other:
        assert ask(other, "select count(*) from apart") == [(0,)]
        redshift.run("commit")
        assert ask(other, "select count(*) from apart") == [(1,)]


def test_many_clients_at_once(stand_in: StandIn, redshift: Client) -> None:
    redshift.run("create table crowd (n integer)")

    def work(number: int) -> None:
        client = Client(connect(stand_in, DATABASE))
        for _ in range(5):
            client.run(f"insert into crowd values ({number})")
        client.connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redshift.rows("select count(*), count(distinct n) from crowd") == [(60, 12)]


def test_clients_that_are_gone_leave_nothing_that_a_process_has_few_of(stand_in: StandIn, redshift: Client) -> None:
    """Its thread keys are a thousand; without one no TLS connection can be made any more."""
    redshift.run("select 1")
    before = free_thread_keys()
    for _ in range(20):
        client = Client(connect(stand_in, DATABASE))
        client.run("select 1")
        client.connection.close()
    assert free_thread_keys() == before


def free_thread_keys() -> int:
    system, key, keys = ctypes.CDLL(None), ctypes.c_ulong(), []
    while system.pthread_key_create(ctypes.byref(key), None) == 0:
        keys.append(key.value)
    for number in keys:
        system.pthread_key_delete(ctypes.c_ulong(number))
    return len(keys)


_CLIENT = """
import os, sys, threading, psycopg2
port, database, user = sys.argv[1:]
password = os.environ["SPARKIFY_REDSHIFT_PASSWORD"]
connection = psycopg2.connect(
    host="127.0.0.1", port=port, dbname=database, user=user, password=password, sslmode="require")
cursor = connection.cursor()
"""


def _client(stand_in: StandIn, script: str) -> subprocess.Popen[str]:
    """A client in a process of its own."""
    command = [sys.executable, "-c", _CLIENT + script, str(stand_in.port), DATABASE, USER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_statement_can_be_cancelled(stand_in: StandIn) -> None:
    digits = " union all ".join(["select 1 as n"] * 10)
    tables = ", ".join(f"({digits}) as t{number}" for number in range(10))
    script = (
        "threading.Timer(1, connection.cancel).start()\n"
        f"try: cursor.execute('select count(*) from {tables}')\n"
        "except psycopg2.Error as error: print(error.pgcode)\n"
        "connection.rollback(); cursor.execute('select 1'); print(cursor.fetchall())\n"
    )
    with _client(stand_in, script) as client:
        assert client.communicate(timeout=30)[0] == "57014\n[(1,)]\n"


def test_a_killed_clients_transaction_is_rolled_back(stand_in: StandIn, redshift: Client) -> None:
    redshift.run("create table orphaned (n integer)")
    script = "cursor.execute('insert into orphaned values (1)'); print('in', flush=True); input()"
    with _client(stand_in, script) as client:
        assert client.stdout.readline() == "in\n"
        client.kill()
    redshift.run("begin", "lock table orphaned", "commit")  # waits for the other's end
    assert redshift.rows("select count(*) from orphaned") == [(0,)]


def test_the_log_has_what_was_sent_and_what_became_of_it(stand_in: StandIn, redshift: Client) -> None:
    known = len(stand_in.log.statements)
    redshift.refusal("select string_agg('a', 'b')")
    redshift.rows("select 'logged' as word")
    sent = {statement.sql: statement.error for statement in stand_in.log.statements[known:]}
    assert sent["select 'logged' as word"] == ""
    assert "string_agg" in sent["select string_agg('a', 'b')"]


def _left(folder: Path) -> tuple[list[str], list[str]]:
    """What a stand-in whose temporary folder this was has left: files, and processes that know of it."""
    processes = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder) in entry.read_bytes().decode(errors="replace"):
                processes.append(entry.parent.name)
        except OSError:
            continue
    return [path.name for path in folder.iterdir()], processes


def _run_until(number: signal.Signals, folder: Path, *prefix: str) -> None:
    """Start it by its command, use it as its output says, stop it by a signal, and see that nothing is left."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "redshift_stand_in"],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(PROJECT_ROOT),
             "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    lines = []
    try:
        while not (lines and "ready" in lines[-1]):
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        exported = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
        connection = psycopg2.connect(
            host=exported["SPARKIFY_REDSHIFT_HOST"],
            port=exported["SPARKIFY_REDSHIFT_PORT"],
            dbname=exported["SPARKIFY_REDSHIFT_DBNAME"],
            user=exported["SPARKIFY_REDSHIFT_USER"],
            password=exported["SPARKIFY_REDSHIFT_PASSWORD"],
            sslmode="verify-full",
            sslrootcert=exported["SSL_CERT_FILE"],
        )
        assert Client(connection).rows("select 1") == [(1,)]
        assert exported["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    finally:
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert _left(folder) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_its_command_serves_until_it_is_stopped_and_leaves_nothing(number: signal.Signals) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL, which is not root, must get through
        _run_until(number, folder)


def test_an_ordinary_user_can_run_it() -> None:
    """By the test's own user where that is not root; else by nobody, who is let read the environment that runs this."""
    folder = Path("/tmp") / f"stand-in-of-nobody-{time.monotonic_ns()}"  # noqa: S108
    folder.mkdir()
    try:
        if os.geteuid():
            _run_until(signal.SIGINT, folder)
        else:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
            capabilities = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            _run_until(signal.SIGINT, folder, "setpriv", "--reuid=nobody", "--clear-groups", *capabilities)
    finally:
        shutil.rmtree(folder)
