"""Redshift refuses to partition a window by a column that is nothing but a literal without a type."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.visitors import Visitor

from redshift_stand_in.errors import NotInRedshift

_MESSAGE = "constant expressions are not supported in partition by clauses"

Scope = dict[str, ast.SelectStmt]
"""The queries of WITH clauses by their names."""


def refuse_untyped_partitions(tree: ast.Node) -> None:
    finder = _Finder()
    finder(tree)
    for select, windows in finder.windows:
        for window in windows:
            for expression in window.partitionClause or ():
                if _is_untyped(expression, select, finder.ctes):
                    raise NotInRedshift(_MESSAGE)


class _Finder(Visitor):
    """Collects every query with the windows that stand in its columns, and every WITH."""

    def __init__(self) -> None:
        self.ctes: Scope = {}
        self.windows: list[tuple[ast.SelectStmt, list[ast.WindowDef]]] = []

    def visit_CommonTableExpr(self, ancestors: Any, node: ast.CommonTableExpr) -> None:
        del ancestors
        if isinstance(node.ctequery, ast.SelectStmt):
            self.ctes[node.ctename] = node.ctequery

    def visit_SelectStmt(self, ancestors: Any, node: ast.SelectStmt) -> None:
        del ancestors
        windows = [found for target in node.targetList or () for found in _windows(target.val)]
        if windows:
            self.windows.append((node, windows))


def _windows(expression: Any) -> list[ast.WindowDef]:
    found: list[ast.WindowDef] = []

    class Windows(Visitor):
        def visit_WindowDef(self, ancestors: Any, node: ast.WindowDef) -> None:
            del ancestors
            found.append(node)

    Windows()(expression)
    return found


def _is_untyped(expression: Any, select: ast.SelectStmt, ctes: Scope, depth: int = 0) -> bool:
    if isinstance(expression, ast.A_Const):
        return True
    if isinstance(expression, ast.TypeCast) and not expression.typeName.typmods:
        # A cast to a text without a length is folded away; one with a length hides the literal.
        is_text = expression.typeName.names[-1].sval in ("text", "varchar")
        return is_text and _is_untyped(expression.arg, select, ctes, depth + 1)
    if isinstance(expression, ast.A_Expr) and expression.name[-1].sval == "||":
        return all(_is_untyped(side, select, ctes, depth + 1) for side in (expression.lexpr, expression.rexpr))
    if not isinstance(expression, ast.ColumnRef) or depth > 50:
        return False
    names = [part.sval for part in expression.fields if isinstance(part, ast.String)]
    table, column = (names[-2], names[-1]) if len(names) > 1 else ("", names[-1] if names else "")
    for alias, query in _sources(select, ctes):
        if (not table or alias == table) and _gives_untyped(query, column, ctes, depth + 1):
            return True
    return False


def _gives_untyped(query: ast.SelectStmt, column: str, ctes: Scope, depth: int) -> bool:
    """Whether a column of a query is a literal without a type; of a UNION, where all of its queries have one."""
    if query.op:
        return _gives_untyped(query.larg, column, ctes, depth) and _gives_untyped(query.rarg, column, ctes, depth)
    for target in query.targetList or ():
        value = target.val
        is_star = isinstance(value, ast.ColumnRef) and isinstance(value.fields[-1], ast.A_Star)
        if is_star and any(_gives_untyped(source, column, ctes, depth + 1) for _, source in _sources(query, ctes)):
            return True
        if (target.name or _own_name(value)) == column:
            return _is_untyped(value, query, ctes, depth + 1)
    return False


def _own_name(value: Any) -> str:
    return (
        value.fields[-1].sval if isinstance(value, ast.ColumnRef) and isinstance(value.fields[-1], ast.String) else ""
    )


def _sources(select: ast.SelectStmt, ctes: Scope) -> list[tuple[str, ast.SelectStmt]]:
    """The queries that a SELECT reads from, with the names that they go by in it."""
    found: list[tuple[str, ast.SelectStmt]] = []
    waiting = list(select.fromClause or ())
    while waiting:
        source = waiting.pop()
        if isinstance(source, ast.JoinExpr):
            waiting += [source.larg, source.rarg]
        elif isinstance(source, ast.RangeSubselect):
            found.append((source.alias.aliasname if source.alias else "", source.subquery))
        elif isinstance(source, ast.RangeVar) and not source.schemaname and source.relname in ctes:
            found.append((source.alias.aliasname if source.alias else source.relname, ctes[source.relname]))
    return found
