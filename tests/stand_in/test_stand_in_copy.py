"""The stand-in's COPY of JSON does what Redshift documents of it."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from backports import zstd
from stand_in_clients import Client, connect

from redshift_stand_in import StandIn
from redshift_stand_in.aws import REGION
from redshift_stand_in.stand_in import ROLE

BUCKET = "copied"
ELSEWHERE = "copied-elsewhere"


@dataclass(frozen=True)
class Copier(Client):
    """A client with a bucket."""

    stand_in: StandIn

    def put(self, key: str, *records: Any, bucket: str = BUCKET, pack: bool = False) -> str:
        """Write an object of one line for each record, as JSON unless it is text or bytes already."""
        lines = [record if isinstance(record, (str, bytes)) else json.dumps(record) for record in records]
        body = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
        body = gzip.compress(body) if pack else body
        self.stand_in.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def copy_sql(self, location: str, *, table: str = "landed", json: str = "auto", rest: str = "") -> str:
        return f"copy {table} from '{location}' iam_role '{self.stand_in.role_arn}' json '{json}' {rest}"

    def copy(self, location: str, **options: str) -> None:
        self.run(self.copy_sql(location, **options))

    def copy_error(self, location: str, **options: str) -> str:
        return self.refusal(self.copy_sql(location, **options))[1]

    def landed(self, columns: str = "id, name") -> list[tuple[Any, ...]]:
        return self.rows(f"select {columns} from landed order by 1, 2")

    def last_errors(self, columns: str = "error_code") -> list[tuple[Any, ...]]:
        return self.rows(
            f"select {columns} from sys_load_error_detail where query_id = pg_last_copy_id() order by line_number"
        )


@pytest.fixture(scope="module")
def started(stand_in: StandIn) -> Iterator[Copier]:
    stand_in.create_database("copies")
    stand_in.create_bucket(BUCKET)
    stand_in.create_bucket(ELSEWHERE, "eu-west-1")
    stand_in.allow_reading(BUCKET, ELSEWHERE)
    connection = connect(stand_in, "copies")
    client = Copier(connection, stand_in)
    client.run(
        "create table landed (id integer, name varchar(8), at timestamp, ok boolean, price numeric(8, 2), "
        "score double precision, body super, made varchar(10) default 'default')"
    )
    yield client
    connection.close()
    stand_in.allow_reading("*")


@pytest.fixture
def redshift(started: Copier) -> Iterator[Copier]:
    started.run("rollback", "delete from landed")
    yield started
    started.stand_in.before_object = None


def test_every_object_of_a_prefix_is_loaded_by_name(redshift: Copier) -> None:
    redshift.put("names/a.json", {"id": 1, "name": "a", "unknown": 1}, {"name": "b"})
    redshift.put("names/b.json", {"id": 3, "NAME": "not in auto"})
    redshift.copy(f"s3://{BUCKET}/names/")
    assert redshift.landed("id, name, made") == [(1, "a", None), (3, None, None), (None, "b", None)]
    assert redshift.rows("select pg_last_copy_count()") == [(3,)]
    assert "The specified S3 prefix 'none/' does not exist" in redshift.copy_error(f"s3://{BUCKET}/none/")


def test_ignorecase_matches_keys_of_any_case(redshift: Copier) -> None:
    location = redshift.put("cases.json", {"ID": 1, "Name": "a"})
    redshift.copy(location)
    redshift.copy(location, json="auto ignorecase")
    assert redshift.landed() == [(1, "a"), (None, None)]


def test_unlisted_columns_take_their_default_and_listed_ones_null(redshift: Copier) -> None:
    location = redshift.put("defaults.json", {"id": 1, "name": "a"})
    redshift.copy(location, table="landed (id)")
    redshift.copy(location, table='landed ("ID", made)')
    assert redshift.landed("id, name, made") == [(1, None, "default"), (1, None, None)]
    assert redshift.refusal(redshift.copy_sql(location, table="landed (no_such_column)"))[0] == "42703"
    assert "nonexistent table nowhere" in redshift.copy_error(location, table="public.nowhere")


def test_an_identity_counts_what_is_loaded(redshift: Copier) -> None:
    location = redshift.put("identity.json", {"i": 9, "x": 5}, {"x": 6})
    redshift.run("create table numbered (i bigint identity(1, 1), x integer not null)")
    redshift.copy(location, table="numbered")
    assert redshift.rows("select i, x from numbered order by i") == [(1, 5), (2, 6)]
    assert redshift.refusal(redshift.copy_sql(location, table="numbered (i, x)"))[0] == "58000"


def test_a_manifest_names_what_is_loaded(redshift: Copier) -> None:
    first = redshift.put("listed/a.json", {"id": 1})
    redshift.put("listed/b.json", {"id": 2})
    missing = {"url": f"s3://{BUCKET}/listed/missing.json"}

    def manifest(*entries: Any) -> str:
        return redshift.put("manifests/m.json", {"entries": list(entries)})

    redshift.copy(manifest({"url": first, "mandatory": True}, {"url": first}, missing), rest="manifest")
    assert redshift.landed() == [(1, None), (1, None)]
    error = redshift.copy_error(manifest({"url": first}, {**missing, "mandatory": True}), rest="manifest")
    assert "Mandatory url is not present in manifest file" in error
    assert "listed/missing.json" in error
    assert "No valid file" in redshift.copy_error(manifest(missing), rest="manifest")
    assert "requires full path" in redshift.copy_error(manifest({"url": "listed/a.json"}), rest="manifest")
    assert "requires full path" in redshift.copy_error(manifest({"url": f"s3://{BUCKET}/listed/"}), rest="manifest")
    for content in ("{", "[]", '{"entries": 1}', '{"entries": [1]}', '{"entries": [{}]}'):
        broken = redshift.put("manifests/broken.json", content)
        assert "Problem reading manifest file" in redshift.copy_error(broken, rest="manifest")
    nowhere = redshift.copy_error(f"s3://{BUCKET}/manifests/none.json", rest="manifest")
    assert "Problem reading manifest file - S3ServiceException" in nowhere
    assert "Error NoSuchKey" in nowhere
    assert redshift.landed() == [(1, None), (1, None)]


def test_jsonpaths_give_the_columns_in_order(redshift: Copier) -> None:
    location = redshift.put("paths/data.json", {"A": {"b": [7, 8]}, "n": "x"}, [1], '{"A": {"b": [7]}}')
    brackets = redshift.put("paths-brackets.json", {"jsonpaths": ["$['A']['b'][1]", "$['n']"]})
    dots = redshift.put("paths-dots.json", {"jsonpaths": ["$.A.b[1]", "$.n"]})
    redshift.copy(location, table="landed (id, name)", json=brackets, rest="maxerror 5")
    assert redshift.landed() == [(8, "x")]
    assert redshift.last_errors("line_number, trim(error_message)") == [
        (2, "Invalid JSONPath format: Member is not an object."),
        (3, "Invalid JSONPath format: Not an array or index out of range."),
    ]
    redshift.copy(location, table="landed (id, name)", json=dots, rest="maxerror 5")
    arrays = redshift.put("paths/arrays.json", [4, "d"], "[5]", "[]")
    positions = redshift.put("paths-positions.json", {"jsonpaths": ["$[0]", "$[1]"]})
    redshift.copy(arrays, table="landed (id, name)", json=positions, rest="maxerror 5")
    assert redshift.landed() == [(4, "d"), (8, "x"), (8, "x")]
    assert len(redshift.last_errors()) == 2


@pytest.mark.parametrize(
    "content",
    [
        '{"jsonpaths": ["$.id"]}',  # two columns
        '{"jsonpaths": ["$.id", ""]}',
        '{"jsonpaths": ["$.id", 5]}',
        '{"jsonpaths": ["$.id", "$[\'a\'].b"]}',
        '{"jsonpaths": ["$.id", "$.*"]}',
        '{"jsonpaths": ["$.id", "name"]}',
        '{"jsonpaths": ["$.id", "$.name"]',
        '{"jsonpaths": ["$.id", "$.name"]} {}',
        '{"jsonpaths": "$.id"}',
        '{"paths": ["$.id", "$.name"]}',
    ],
)
def test_a_wrong_jsonpaths_file_is_refused(redshift: Copier, content: str) -> None:
    location = redshift.put("wrong-paths/data.json", {"id": 1, "name": "a"})
    paths = redshift.put("wrong-paths.json", content)
    assert "json" in redshift.copy_error(location, table="landed (id, name)", json=paths, rest="maxerror 9").lower()
    assert redshift.landed() == []


@pytest.mark.parametrize(
    ("kind", "compress"), [("gzip", gzip.compress), ("bzip2", bz2.compress), ("zstd", zstd.compress)]
)
def test_compression_must_be_said_and_must_be_true(
    redshift: Copier, kind: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = redshift.put(f"packed.{kind}", compress(b'{"id": 1}\n{"id": 2}'))
    plain = redshift.put(f"plain.{kind}", {"id": 3})
    two = redshift.put(f"two.{kind}", compress(b'{"id": 4}\n{"id"') + compress(b": 5}"))
    redshift.copy(packed, rest=kind)
    redshift.copy(two, rest=kind)
    assert redshift.landed("id, name") == [(1, None), (2, None), (4, None), (5, None)]
    assert "failed" in redshift.copy_error(packed)
    assert kind in redshift.copy_error(plain, rest=kind)
    torn = redshift.put(f"torn.{kind}", compress(b'{"id": 6}\n' * 1000)[:-12])
    assert kind in redshift.copy_error(torn, rest=kind)
    assert len(redshift.landed()) == 4


def test_a_bucket_of_another_region_must_be_named_so(redshift: Copier) -> None:
    location = redshift.put("far.json", {"id": 1}, bucket=ELSEWHERE)
    near = redshift.put("near.json", {"entries": [{"url": location}]})
    assert "Error PermanentRedirect" in redshift.copy_error(location)
    assert "Error PermanentRedirect" in redshift.copy_error(near, rest="manifest region as 'eu-west-1'")
    redshift.copy(location, rest="region 'eu-west-1'")
    redshift.copy(location, rest="region as 'eu-west-1'")
    assert len(redshift.landed()) == 2


def test_the_role_decides_what_may_be_read(redshift: Copier) -> None:
    redshift.stand_in.create_bucket("closed")
    data = redshift.put("a.json", {"id": 1}, bucket="closed")
    manifest = redshift.put("m.json", {"entries": [{"url": data}]}, bucket="closed")
    mixed = redshift.put("mixed.json", {"entries": [{"url": data}]})
    paths = redshift.put("p.json", {"jsonpaths": ["$.id"]}, bucket="closed")
    open_data = redshift.put("open.json", {"id": 1})
    denied = "S3ServiceException:Access Denied,Status 403"
    assert denied in redshift.copy_error(data)
    assert f"Problem reading manifest file - {denied}" in redshift.copy_error(manifest, rest="manifest")
    assert denied in redshift.copy_error(mixed, rest="manifest")
    assert denied in redshift.copy_error(open_data, table="landed (id)", json=paths)
    iam = redshift.stand_in.aws.client("iam")
    trusted = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    stranger = json.dumps(trusted).replace("redshift.amazonaws.com", "ec2.amazonaws.com")
    other = iam.create_role(RoleName="of-another-service", AssumeRolePolicyDocument=stranger)["Role"]["Arn"]
    for arn in (other, other.replace("of-another-service", "no-such-role")):
        message = redshift.refusal(f"copy landed from '{open_data}' iam_role '{arn}' json 'auto'")[1]
        assert f"is not authorized to assume IAM Role {arn}" in message
    assert redshift.landed() == []


OPTIONS_REFUSED = [
    ("access_key_id 'A' secret_access_key 'B' json 'auto'", "42501"),
    ("with credentials 'aws_access_key_id=A;aws_secret_access_key=B' json 'auto'", "42501"),
    ("iam_role '{role}' json 'auto' session_token 'x'", "42501"),
    ("json 'auto'", "42601"),
    ("iam_role 'arn' json 'auto'", "XX000"),
    ("iam_role '{role}' json 'auto' csv", "0A000"),
    ("iam_role '{role}' json 'auto' delimiter ','", "0A000"),
    ("iam_role '{role}' json 'auto' escape", "0A000"),
    ("iam_role '{role}' json 'auto' fillrecord", "0A000"),
    ("iam_role '{role}' json 'auto' fixedwidth 'a:1'", "0A000"),
    ("iam_role '{role}' json 'auto' ignoreblanklines", "0A000"),
    ("iam_role '{role}' json 'auto' null as 'x'", "0A000"),
    ("iam_role '{role}' json 'auto' readratio 5", "0A000"),
    ("iam_role '{role}' json 'auto' removequotes", "0A000"),
    ("iam_role '{role}' json 'auto' no_such_option", "42601"),
    ("iam_role '{role}' json 'auto' gzip gzip", "42601"),
    ("iam_role '{role}' json 'auto' maxerror", "42601"),
    ("iam_role '{role}' json 'auto' maxerror 'x'", "42601"),
    ("iam_role '{role}' json 'auto' maxerror 100001", "22023"),
    ("iam_role '{role}' json 'auto' acceptinvchars 'xy'", "22023"),
    ("iam_role '{role}' json 'auto' comprows 1", "22023"),
    ("iam_role '{role}' json 'auto' format gzip", "42601"),
    ("iam_role '{role}' json 'automatic'", "22023"),
    ("iam_role '{role}' json 'auto' region", "42601"),
    ("iam_role '{role}' json 'noshred'", "58000"),
    ("iam_role '{role}' json 'auto' lzop", "58000"),
    ("iam_role '{role}' json 'auto' gzip zstd", "42601"),
    ("iam_role '{role}' json 'auto' explicit_ids", "58000"),
    ("iam_role '{role}' json 'auto' encoding utf16", "58000"),
    ("iam_role '{role}' parquet", "58000"),
    ("iam_role '{role}' delimiter ',' json 'auto'", "0A000"),
    ("iam_role '{role}' delimiter '::'", "58000"),
    ("iam_role '{role}' delimiter ',' escape", "58000"),
    ("iam_role '{role}'", "58000"),
]


@pytest.mark.parametrize(("options", "sqlstate"), OPTIONS_REFUSED)
def test_no_option_is_passed_over(redshift: Copier, options: str, sqlstate: str) -> None:
    location = redshift.put("options.json", {"id": 1})
    sql = f"copy landed from '{location}' {options.replace('{role}', redshift.stand_in.role_arn)}"
    assert redshift.refusal(sql)[0] == sqlstate
    assert redshift.landed() == []


def test_what_changes_no_row_is_accepted(redshift: Copier) -> None:
    location = redshift.put("accepted.json", {"id": 1})
    role = redshift.stand_in.role_arn
    for options in (
        "json 'auto' statupdate on compupdate off",
        "statupdate off compupdate preset json as 'auto'",
        "format as json 'auto' compupdate",
        "format json 'auto' comprows 1000 maxerror as 10",
        f"json region '{REGION}'",
    ):
        redshift.run(f"copy public.landed from '{location}' iam_role '{role}' {options} -- a comment")
    assert len(redshift.landed()) == 5
    assert redshift.refusal(redshift.copy_sql(location, rest="statupdate preset"))[0] == "42601"


VALUES = [
    # column, the JSON of its value, what it becomes or the code of the error
    ("id", "1540919166.0", 1540919166),
    ("id", '"7"', 7),
    ("id", '""', None),
    ("id", "null", None),
    ("id", "1.5", "1207"),
    ("id", '"x"', "1207"),
    ("id", "2147483648", "1222"),
    ("name", '"abcdefgh"', "abcdefgh"),
    ("name", '"abcdefghi"', "1204"),
    ("name", '"éééé"', "éééé"),
    ("name", '"ééééé"', "1204"),
    ("name", '"abcdefgh   "', "abcdefgh"),
    ("name", '""', ""),
    ("name", "7", "7"),
    ("name", '"a\\tb\\\\"', "a\tb\\"),
    ("name", '"\\u0018"', "\x18"),
    ("name", '"a\\u0000b"', "a"),
    ("name", '"\\u0000b"', "1218"),
    ("name", '{"a": 1}', '{"a":1}'),
    ("at", '"2020-01-02 03:04:05"', dt.datetime(2020, 1, 2, 3, 4, 5)),  # noqa: DTZ001
    ("at", '"yesterday"', "1206"),
    ("at", '""', None),
    ("ok", "true", True),
    ("ok", '"no"', False),
    ("ok", '"perhaps"', "1210"),
    ("price", "20.259", Decimal("20.25")),
    ("price", '"20.259"', Decimal("20.25")),
    ("price", "1234567.0", "1222"),
    ("price", '"x"', "1207"),
    ("score", "1.5e3", 1500.0),
    ("score", '"x"', "1208"),
    ("body", '{"a": [1, null]}', {"a": [1, None]}),
]


def test_values_become_what_their_column_holds(redshift: Copier) -> None:
    for column, written, expected in VALUES:
        redshift.run("delete from landed")
        location = redshift.put("value.json", f'{{"{column}": {written}}}')
        if isinstance(expected, str) and expected in {"1204", "1206", "1207", "1208", "1210", "1218", "1222"}:
            assert "sys_load_error_detail" in redshift.copy_error(location), (column, written)
            assert redshift.last_errors("error_code, trim(column_name)") == [(int(expected), column)], written
        else:
            redshift.copy(location)
            assert redshift.rows(f"select {column} from landed") == [(expected,)], (column, written)


def test_what_nobody_knows_of_redshift_is_not_made_up(redshift: Copier) -> None:
    for written in ('{"name": true}', '{"id": "  "}', '{"id": 9007199254740993}'):
        location = redshift.put("unknown.json", written)
        assert redshift.refusal(redshift.copy_sql(location))[0] == "58000", written


def test_options_change_values(redshift: Copier) -> None:
    cases = [
        ({"at": 1540919166796}, "timeformat 'epochmillisecs'", "at", dt.datetime(2018, 10, 30, 17, 6, 6, 796000)),  # noqa: DTZ001
        ({"at": 1540919166}, "timeformat as 'epochsecs'", "at", dt.datetime(2018, 10, 30, 17, 6, 6)),  # noqa: DTZ001
        ({"at": "2018-10-30T17:06:06Z"}, "timeformat 'auto'", "at", dt.datetime(2018, 10, 30, 17, 6, 6)),  # noqa: DTZ001
        ({"name": "ééééé"}, "truncatecolumns", "name", "éééé"),
        ({"name": "x" * 20}, "truncatecolumns", "name", "x" * 8),
        ({"name": ""}, "emptyasnull", "name", None),
        ({"name": "a  "}, "trimblanks", "name", "a"),
        ({"price": 20.259}, "roundec", "price", Decimal("20.26")),
        (b'{"name": "a\xa4\xa5b"}', "acceptinvchars", "name", "a??b"),
        (b'{"name": "a\xa4b"}', "acceptinvchars as '^'", "name", "a^b"),
    ]
    for record, options, column, expected in cases:
        redshift.run("delete from landed")
        redshift.copy(redshift.put("option.json", record), rest=options)
        assert redshift.rows(f"select {column} from landed") == [(expected,)], options
    for record, options, code in (
        ({"at": 9e99}, "timeformat 'epochmillisecs'", 1206),
        (b'{"name": "a\xa4b"}', "", 1220),
        ({"id": "x" * 20}, "truncatecolumns", 1207),
    ):
        redshift.copy_error(redshift.put("option.json", record), rest=options)
        assert redshift.last_errors() == [(code,)]
    wrong_case = redshift.put("option.json", {"at": 1540919166796})
    assert redshift.refusal(redshift.copy_sql(wrong_case, rest="timeformat 'EpochMillisecs'"))[0] == "58000"


def test_maxerror_is_the_number_that_stops(redshift: Copier) -> None:
    location = redshift.put("errors.json", {"id": 1}, {"id": "x"}, "not json", {"id": "y"}, {"id": 5})
    for limit, expected in ((0, 1), (1, 1), (3, 3)):
        redshift.copy_error(location, rest=f"maxerror {limit}")
        assert len(redshift.last_errors()) == expected
        assert redshift.rows("select pg_last_copy_count()") == [(0,)]
    assert redshift.landed() == []
    redshift.copy(location, rest="maxerror 4")
    assert redshift.landed() == [(1, None), (5, None)]
    assert redshift.last_errors("line_number, error_code") == [(2, 1207), (3, 1216), (4, 1207)]


def test_noload_looks_and_leaves(redshift: Copier) -> None:
    redshift.copy(redshift.put("fine.json", {"id": 1}), rest="noload")
    assert redshift.landed() == []
    assert "failed" in redshift.copy_error(redshift.put("bad.json", {"id": "x"}), rest="noload")


def test_a_line_number_is_that_of_the_records_last_line(redshift: Copier) -> None:
    location = redshift.put("lines.json", '\n{\n"id":\n1}\n\n{"id":\n"x"\n} {"id": 2}\n', '{"name": "n"}')
    redshift.copy(location, rest="maxerror 2")
    assert redshift.landed() == [(1, None), (2, None), (None, "n")]
    columns = "trim(file_name), line_number, trim(column_name), trim(column_type), position, trim(error_message)"
    assert redshift.last_errors(columns) == [
        (location, 8, "id", "int4", 0, "Invalid digit, Value 'x', Pos 0, Type: Integer")
    ]
    detail = "select trim(file_name), lines_scanned from sys_load_detail where query_id = pg_last_copy_id()"
    assert redshift.rows(detail) == [(location, 10)]


def test_an_object_holds_four_megabytes(redshift: Copier) -> None:
    fits = json.dumps({"id": 1, "name": "n", "rest": "x" * (4 * 1024 * 1024 - 40)})
    too_large = json.dumps({"id": 2, "rest": "x" * (4 * 1024 * 1024)})
    huge = json.dumps({"id": 3, "rest": "x" * (18 * 1024 * 1024)})
    location = redshift.put("large.json", fits, too_large, {"id": 4}, huge)
    redshift.copy(location, table="landed (id, name)", rest="maxerror 9")
    assert redshift.landed() == [(1, "n"), (4, None)]
    assert redshift.last_errors("line_number")[0] == (2,)


def test_text_is_copied_line_by_line(redshift: Copier) -> None:
    """Neither quotes nor backslashes mean anything, but that \\N by itself is NULL."""
    role = redshift.stand_in.role_arn
    location = redshift.put("lines.txt", '1\x01{"a"}', "", "2\x01\\u0000", b"3\x01\xff", "4\x01" + "é" * 9, "5\x01\\N")
    options = f"iam_role '{role}' delimiter '\\001'"
    redshift.run(f"copy landed (id, name) from '{location}' {options} truncatecolumns acceptinvchars ignoreblanklines")
    assert redshift.landed() == [(1, '{"a"}'), (2, "\\u0000"), (3, "?"), (4, "éééé"), (5, None)]
    for number, (line, code) in enumerate(
        [("1\x012\x013", 1202), ("1", 1201), ("1\x01a\0", 1218), (b"1\x01\xff", 1220)]
    ):
        location = redshift.put(f"line{number}.txt", line)
        redshift.run(f"copy landed (id, name) from '{location}' {options} maxerror 2")
        assert redshift.last_errors() == [(code,)]
    assert len(redshift.landed()) == 5


def test_a_load_joins_its_transaction_and_its_errors_outlive_it(redshift: Copier) -> None:
    good = redshift.put("joined/good.json", {"id": 1})
    bad = redshift.put("joined/bad.json", {"id": 2}, {"id": "x"})
    before = redshift.rows("select pg_last_copy_id()")
    redshift.run("begin")
    redshift.copy(good)
    assert redshift.rows("select count(*), max(pg_last_copy_count()) from landed") == [(1, 1)]
    redshift.run("rollback")
    assert redshift.landed() == []
    assert redshift.rows("select pg_last_copy_id()") == before
    redshift.run("begin", "insert into landed (id) values (9)")
    redshift.copy_error(bad)
    assert redshift.refusal("select 1")[0] == "25P02"
    redshift.run("rollback")
    assert redshift.landed() == []
    history = (
        "select status, table_name, data_source, error_count from sys_load_history where query_id = pg_last_copy_id()"
    )
    assert redshift.rows(history) == [("aborted", "landed", bad, 1)]
    assert redshift.last_errors() == [(1207,)]
    redshift.copy(good)
    assert redshift.rows(history.replace("error_count", "loaded_rows, source_file_count")) == [
        ("completed", "landed", good, 1, 1)
    ]
    etag = "select trim(file_etag) from sys_load_detail where query_id = pg_last_copy_id()"
    stored = redshift.stand_in.aws.client("s3").head_object(Bucket=BUCKET, Key="joined/good.json")["ETag"]
    assert redshift.rows(etag) == [(stored.strip('"'),)]


def test_a_transaction_finds_its_own_copy_in_the_system_views(redshift: Copier) -> None:
    location = redshift.put("own.json", '{"id": 1}\n{"id": "x"}\n{"id": 2}')
    told = (
        "select (select count(*) from sys_load_history where query_id = pg_last_copy_id()), "
        "(select sum(lines_scanned) from sys_load_detail where query_id = pg_last_copy_id()), "
        "(select count(*) from sys_load_error_detail where query_id = pg_last_copy_id())"
    )
    redshift.run("begin", "select count(*) from landed")
    redshift.copy(location, rest="maxerror 5")
    assert redshift.rows(told) == [(1, 3, 1)]
    query_id = redshift.rows("select pg_last_copy_id()")[0][0]
    redshift.run("rollback")
    assert redshift.rows(told.replace("pg_last_copy_id()", str(query_id))) == [(1, 3, 1)]
    redshift.run("begin")
    redshift.copy(location, rest="maxerror 5")
    redshift.run("commit")
    assert redshift.rows(told) == [(1, 3, 1)]


def test_others_do_not_see_whose_load_it_was(redshift: Copier) -> None:
    redshift.run("create user onlooker password 'Onlooker-1'")
    redshift.copy(redshift.put("seen.json", {"id": 1}))
    onlooker = Client(connect(redshift.stand_in, "copies", user="onlooker", password="Onlooker-1"))  # noqa: S106
    assert onlooker.rows("select count(*) from sys_load_history") == [(0,)]
    location = redshift.put("seen.json", {"id": 1})
    assert onlooker.refusal(redshift.copy_sql(location))[0] == "42501"
    onlooker.connection.close()


def test_a_copy_that_dies_half_way_leaves_nothing(redshift: Copier) -> None:
    for number in range(5):
        redshift.put(f"dying/{number}.json", {"id": number})

    def fail(_: Any, uri: str) -> None:
        if uri.endswith("3.json"):
            raise RuntimeError("the node is gone")

    redshift.stand_in.before_object = fail
    assert redshift.refusal(redshift.copy_sql(f"s3://{BUCKET}/dying/"))[0] == "58000"
    redshift.stand_in.before_object = None
    assert redshift.landed() == []
    redshift.copy(f"s3://{BUCKET}/dying/")
    assert len(redshift.landed()) == 5


@pytest.mark.parametrize("by", ["server", "client"])
def test_a_connection_that_drops_during_copy_leaves_nothing(redshift: Copier, by: str) -> None:
    for number in range(5):
        redshift.put(f"dropped/{number}.json", {"id": number})
    dropped = Client(connect(redshift.stand_in, "copies"))
    process = dropped.rows("select pg_backend_pid()")[0][0]
    channel = socket.socket(fileno=dropped.connection.fileno())

    def drop(connection: Any, uri: str) -> None:
        if uri.endswith("3.json"):
            connection.close() if by == "server" else channel.shutdown(socket.SHUT_RDWR)

    redshift.stand_in.before_object = drop
    with pytest.raises(psycopg2.OperationalError):
        dropped.rows(redshift.copy_sql(f"s3://{BUCKET}/dropped/"))
    channel.detach()
    redshift.stand_in.before_object = None
    redshift.run("begin", "lock table landed", "commit")  # waits for whoever still writes
    assert redshift.landed() == []
    history = f"select status from sys_load_history where session_id = {process}"
    deadline = time.monotonic() + 10
    while not (found := redshift.rows(history)) and time.monotonic() < deadline:
        time.sleep(0.05)  # it is written when the connection's own thread has noticed
    assert found == [("aborted",)]
