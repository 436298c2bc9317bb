"""Refuses what PostgreSQL would take and Redshift does not have.

It reads the tree that PostgreSQL's own parser makes of the rewritten statement. What is allowed is listed (statements,
functions, types, operators), not what is forbidden; only within those are single constructs named.
"""

from __future__ import annotations

from typing import Any

from pglast import ast, enums

from redshift_stand_in.allowed import OPERATORS, STATEMENTS, TYPES, documented_functions, reserved_words
from redshift_stand_in.errors import NotInRedshift, NotInStandIn, RedshiftError
from redshift_stand_in.guard_statements import StatementRules
from redshift_stand_in.literals import refuse_untyped_partitions

_PATTERN_OPERATORS = {"~", "~*", "!~", "!~*"}
_PATTERN_FUNCTIONS = {"regexp_replace", "regexp_substr", "regexp_instr", "regexp_count"}
_PATTERN_MESSAGE = "The pattern must be a valid UTF-8 literal character expression"
# Calls that the grammar itself makes of SQL's own notation.
_NOTATIONS = {"extract", "btrim", "ltrim", "rtrim", "substring", "position", "timezone", "overlaps"}
_ESCAPES = {"like_escape", "similar_to_escape"}  # of LIKE and SIMILAR TO
_FOREIGN = ("Xml", "Json", "RangeTableFunc")  # what the grammar has for XML and JSON
_AGGREGATES_OVER_ORDER = {
    "avg", "count", "max", "min", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance",
    "first_value", "last_value", "nth_value",
}  # fmt: skip
# What only the compute nodes have.
_COMPUTE_ONLY = {"listagg", "median", "percentile_cont", "percentile_disc"}
_COMPUTE_ONLY_MESSAGE = "One or more of the used functions must be applied on at least one user created tables."
_LEADER_ONLY = "Specified types or functions (one per INFO message) not supported on Redshift tables."
_EXCLUSION = enums.FRAMEOPTION_EXCLUDE_CURRENT_ROW | enums.FRAMEOPTION_EXCLUDE_GROUP | enums.FRAMEOPTION_EXCLUDE_TIES
_CATALOGS = ("pg_catalog", "information_schema")
_LEADER_TABLES = ("pg_", "svv_")
_SYSTEM_TABLES = ("sys_", "stl_", "stv_", "svl_")  # these may be joined with tables


def check(tree: ast.Node, quoted_names: frozenset[str]) -> None:
    """Raise what Redshift would answer, where it would not take the statement."""
    kind = type(tree).__name__
    if kind not in STATEMENTS:
        raise NotInRedshift(f"{kind.removesuffix('Stmt')} is not supported")
    guard = _Guard()
    guard(tree)
    if guard.leader_only == "substr" and guard.tables:
        raise NotInRedshift("SUBSTR() function is not supported (Hint: use SUBSTRING instead)")
    if guard.leader_only and guard.tables:
        raise NotInRedshift(f"{_LEADER_ONLY} ({guard.leader_only})")
    if guard.tables and guard.leader_catalogs:
        raise NotInRedshift(f"{_LEADER_ONLY} ({guard.leader_catalogs[0]})")
    if guard.compute_only and not guard.tables:
        raise NotInRedshift(_COMPUTE_ONLY_MESSAGE)
    if guard.unknown_functions and (guard.tables or not guard.reads_catalog):
        name = guard.unknown_functions[0]
        raise RedshiftError(
            f"function {name}() does not exist",
            sqlstate="42883",
            hint="No function matches the given name and argument types. You may need to add explicit type casts.",
        )
    if not guard.reads_catalog and (reserved := sorted(guard.names & (reserved_words() - quoted_names))):
        raise RedshiftError(f'syntax error at or near "{reserved[0]}"', sqlstate="42601")
    refuse_untyped_partitions(tree)


def _is_catalog(schema: str, name: str) -> bool:
    return schema in _CATALOGS or (not schema and name.startswith(_LEADER_TABLES + _SYSTEM_TABLES))


def refuse_unqualified_names(query: ast.Node) -> None:
    """A late-binding view names the schema of all that it reads."""
    guard = _Guard()
    guard(query)
    if any(not schema for schema, _ in guard.tables):
        raise RedshiftError(
            "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING.",
            sqlstate="42601",
        )


class _Guard(StatementRules):
    """Walks the tree; what depends on the whole statement is noted, all else is raised where it is met."""

    def __init__(self) -> None:
        super().__init__()
        self.leader_only = ""
        self.compute_only = False
        self.unknown_functions: list[str] = []
        self._read: list[tuple[str, str]] = []
        self._ctes: set[str] = set()

    def visit_SelectStmt(self, ancestors: Any, node: ast.SelectStmt) -> None:
        if node.distinctClause and node.distinctClause[0] is not None:
            raise NotInRedshift("SELECT DISTINCT ON is not supported")
        if node.lockingClause:
            raise NotInRedshift("SELECT FOR UPDATE/SHARE is not supported")
        if node.windowClause:
            raise NotInRedshift("WINDOW clause is not supported")
        if node.valuesLists and not isinstance(ancestors.parent.node if ancestors.parent else None, ast.InsertStmt):
            is_insert = any(isinstance(parent.node, ast.InsertStmt) for parent in _parents(ancestors))
            if not is_insert or any(isinstance(parent.node, ast.RangeSubselect) for parent in _parents(ancestors)):
                raise RedshiftError('syntax error at or near "values"', sqlstate="42601")
        if node.limitOption == enums.LimitOption.LIMIT_OPTION_WITH_TIES:
            raise NotInRedshift("FETCH … WITH TIES is not supported")

    def visit_CommonTableExpr(self, ancestors: Any, node: ast.CommonTableExpr) -> None:
        self._ctes.add(node.ctename)
        self.names.add(node.ctename)
        if not isinstance(node.ctequery, ast.SelectStmt):
            raise NotInRedshift("a WITH clause that changes data is not supported")
        if node.ctematerialized != enums.CTEMaterialize.CTEMaterializeDefault:
            raise RedshiftError('syntax error at or near "materialized"', sqlstate="42601")

    def visit_RangeVar(self, ancestors: Any, node: ast.RangeVar) -> None:
        self.names.add(node.relname)
        if not isinstance(ancestors.node, ast.ViewStmt):
            self._read.append((node.schemaname or "", node.relname))

    @property
    def tables(self) -> list[tuple[str, str]]:
        """Schema and name of what is read and is neither of this statement nor of the catalogue."""
        return [
            (schema, name)
            for schema, name in self._read
            if (schema or name not in self._ctes) and not _is_catalog(schema, name)
        ]

    @property
    def reads_catalog(self) -> bool:
        return any(_is_catalog(schema, name) for schema, name in self._read)

    @property
    def leader_catalogs(self) -> list[str]:
        catalogs = [name for schema, name in self._read if _is_catalog(schema, name)]
        return [name for name in catalogs if not name.startswith(_SYSTEM_TABLES)]

    def visit_Alias(self, ancestors: Any, node: ast.Alias) -> None:
        self.names.add(node.aliasname)
        self.names.update(column.sval for column in node.colnames or ())

    def visit_ResTarget(self, ancestors: Any, node: ast.ResTarget) -> None:
        self.names.add(node.name or "")

    def visit_ColumnRef(self, ancestors: Any, node: ast.ColumnRef) -> None:
        self.names.update(part.sval for part in node.fields if isinstance(part, ast.String))

    def visit(self, ancestors: Any, node: ast.Node) -> None:
        kind = type(node).__name__
        if kind.startswith(_FOREIGN):
            raise NotInRedshift(f"{kind} is not supported")

    def visit_RangeTableSample(self, ancestors: Any, node: ast.RangeTableSample) -> None:
        raise RedshiftError('syntax error at or near "tablesample"', sqlstate="42601")

    def visit_RowExpr(self, ancestors: Any, node: ast.RowExpr) -> None:
        if node.row_format == enums.CoercionForm.COERCE_EXPLICIT_CALL:
            raise NotInRedshift("row constructors are not supported")

    def visit_A_Indirection(self, ancestors: Any, node: ast.A_Indirection) -> None:
        raise NotInStandIn("how to navigate SUPER")

    def visit_A_Indices(self, ancestors: Any, node: ast.A_Indices) -> None:
        raise NotInStandIn("how to navigate SUPER")

    def visit_CollateClause(self, ancestors: Any, node: ast.CollateClause) -> None:
        raise NotInStandIn("COLLATE")

    def visit_SubLink(self, ancestors: Any, node: ast.SubLink) -> None:
        if node.subLinkType == enums.SubLinkType.ARRAY_SUBLINK:
            raise NotInRedshift("arrays are not supported")

    def visit_RangeSubselect(self, ancestors: Any, node: ast.RangeSubselect) -> None:
        if node.lateral:
            raise NotInRedshift("LATERAL is not supported")

    def visit_RangeFunction(self, ancestors: Any, node: ast.RangeFunction) -> None:
        if node.lateral:
            raise NotInRedshift("LATERAL is not supported")
        if node.ordinality:
            raise RedshiftError('syntax error at or near "ordinality"', sqlstate="42601")

    def visit_FuncCall(self, ancestors: Any, node: ast.FuncCall) -> None:
        name = node.funcname[-1].sval
        is_notation = node.funcformat == enums.CoercionForm.COERCE_SQL_SYNTAX
        if is_notation and name not in _NOTATIONS:
            raise NotInRedshift(f"{name} is not supported")
        if node.agg_filter:
            raise RedshiftError('syntax error at or near "("', sqlstate="42601")
        is_escape = name in _ESCAPES and node.funcname[0].sval == "pg_catalog"
        if not is_notation and not is_escape and node.funcname[0].sval != "stand_in":
            self._function(name)
        if node.over:
            self._window(name, node.over)
        arguments = node.args or ()
        if name in _PATTERN_FUNCTIONS and len(arguments) > 1 and not _is_constant(arguments[1]):
            raise NotInRedshift(_PATTERN_MESSAGE)

    def _function(self, name: str) -> None:
        functions = documented_functions()
        self.compute_only = self.compute_only or name in _COMPUTE_ONLY
        if name not in functions:
            self.unknown_functions.append(name)
        elif functions[name]:
            self.leader_only = self.leader_only or name

    @staticmethod
    def _window(name: str, window: ast.WindowDef) -> None:
        frame = window.frameOptions
        is_given = frame & enums.FRAMEOPTION_NONDEFAULT
        if is_given and not frame & enums.FRAMEOPTION_ROWS:
            raise NotInRedshift("a window's frame must be of ROWS")
        if is_given and frame & _EXCLUSION:
            raise RedshiftError('syntax error at or near "exclude"', sqlstate="42601")
        if window.orderClause and not is_given and name in _AGGREGATES_OVER_ORDER:
            raise NotInRedshift("Aggregate window functions with an ORDER BY clause require a frame clause")

    def visit_A_Expr(self, ancestors: Any, node: ast.A_Expr) -> None:
        kinds = enums.A_Expr_Kind
        if node.kind in (kinds.AEXPR_DISTINCT, kinds.AEXPR_NOT_DISTINCT):
            raise RedshiftError('syntax error at or near "distinct"', sqlstate="42601")
        if node.kind in (kinds.AEXPR_OP_ANY, kinds.AEXPR_OP_ALL):
            raise NotInRedshift("arrays are not supported")
        operator = node.name[-1].sval
        is_like = node.kind in (kinds.AEXPR_LIKE, kinds.AEXPR_ILIKE, kinds.AEXPR_SIMILAR)
        if operator not in OPERATORS and not is_like and node.kind == kinds.AEXPR_OP:
            raise RedshiftError(f"operator does not exist: {operator}", sqlstate="42883")
        is_pattern = node.kind == kinds.AEXPR_OP and operator in _PATTERN_OPERATORS and node.lexpr
        if is_pattern and not _is_constant(node.rexpr):
            raise NotInRedshift(_PATTERN_MESSAGE)

    def visit_A_ArrayExpr(self, ancestors: Any, node: ast.A_ArrayExpr) -> None:
        raise NotInRedshift("arrays are not supported")

    def visit_SQLValueFunction(self, ancestors: Any, node: ast.SQLValueFunction) -> None:
        name = enums.SQLValueFunctionOp(node.op).name.removeprefix("SVFOP_").lower().removesuffix("_n")
        if documented_functions().get(name, True) and name not in (
            "current_date",
            "current_user",
            "user",
            "session_user",
        ):
            self.leader_only = self.leader_only or name

    def visit_TypeName(self, ancestors: Any, node: ast.TypeName) -> None:
        name = node.names[-1].sval
        if node.arrayBounds:
            raise NotInRedshift("arrays are not supported")
        if name not in TYPES:
            raise NotInRedshift(f'Unsupported type "{name}"')
        if node.typmods and name in ("timestamp", "timestamptz", "time", "timetz"):
            raise RedshiftError('syntax error at or near "("', sqlstate="42601")


def _parents(ancestors: Any) -> list[Any]:
    found = []
    while ancestors:
        if getattr(ancestors, "node", None) is not None:
            found.append(ancestors)
        ancestors = ancestors.parent
    return found


def _is_constant(node: Any) -> bool:
    if isinstance(node, ast.TypeCast):
        return _is_constant(node.arg)
    return isinstance(node, (ast.A_Const, ast.ParamRef))
