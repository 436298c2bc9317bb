"""What Redshift has: kinds of statements, types, operators, functions and words that are no names."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

STATEMENTS = (
    "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CreateStmt", "CreateTableAsStmt",
    "ViewStmt", "CreateSchemaStmt", "AlterTableStmt", "RenameStmt", "DropStmt", "TransactionStmt", "ExplainStmt",
    "CommentStmt", "GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt", "AlterOwnerStmt",
    "AlterObjectSchemaStmt", "LockStmt", "CreateRoleStmt", "AlterRoleStmt", "DropRoleStmt", "CreatedbStmt",
    "DropdbStmt", "VariableSetStmt", "VariableShowStmt", "PrepareStmt", "ExecuteStmt", "DeallocateStmt",
    "DeclareCursorStmt", "FetchStmt", "ClosePortalStmt", "RefreshMatViewStmt",
)  # fmt: skip
TYPES = {
    "int2", "int4", "int8", "smallint", "int", "integer", "bigint", "numeric", "decimal", "float4", "float8", "real",
    "float", "double precision", "bool", "boolean", "bpchar", "char", "varchar", "text", "nvarchar", "nchar", "date",
    "time", "timetz", "timestamp", "timestamptz", "interval", "super", "varbyte", "varbinary", "binary", "name", "oid",
    "regclass", "regproc", "refcursor", "geometry", "geography", "hllsketch",
}  # fmt: skip
OPERATORS = set("+ - * / % ^ |/ ||/ @ & | # ~ << >> || = <> != < > <= >= ~* !~ !~* ~~ !~~ ~~* !~~*".split())


@cache
def documented_functions() -> dict[str, bool]:
    """The functions that Redshift documents, and whether only its leader node has them."""
    with (Path(__file__).parent / "functions.csv").open(encoding="utf-8") as file:
        return {row["name"]: row["leader_only"] == "true" for row in csv.DictReader(file)}


@cache
def reserved_words() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "reserved_words.txt").read_text(encoding="utf-8").split())
