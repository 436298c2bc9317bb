"""What Redshift's statements other than SELECT may say."""

from __future__ import annotations

from typing import Any

from pglast import ast, enums
from pglast.visitors import Visitor

from redshift_stand_in.errors import NotInRedshift, RedshiftError

_SETTINGS = {
    "application_name", "client_encoding", "datestyle", "extra_float_digits", "search_path", "session_authorization",
    "statement_timeout", "timezone",
}  # fmt: skip
_DROPPED = ("TABLE", "VIEW", "MATVIEW", "SCHEMA")
_ALTERATIONS = ("AddColumn", "DropColumn", "AddConstraint", "DropConstraint", "ChangeOwner", "AlterColumnType")
_NOT_IN_TABLES = {"name", "oid", "regclass", "regproc", "refcursor"}
_ACCESS_EXCLUSIVE = 8


class StatementRules(Visitor):
    """The part of the guard that looks at statements as a whole. names are those that the statement uses."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_InsertStmt(self, ancestors: Any, node: ast.InsertStmt) -> None:
        if node.onConflictClause:
            raise NotInRedshift("INSERT … ON CONFLICT is not supported")
        if node.withClause:
            raise RedshiftError('syntax error at or near "insert"', sqlstate="42601")
        if node.override != enums.OverridingKind.OVERRIDING_NOT_SET:
            raise RedshiftError('syntax error at or near "overriding"', sqlstate="42601")
        self._no_returning(node)

    def visit_UpdateStmt(self, ancestors: Any, node: ast.UpdateStmt) -> None:
        self._no_returning(node)

    def visit_DeleteStmt(self, ancestors: Any, node: ast.DeleteStmt) -> None:
        self._no_returning(node)

    @staticmethod
    def _no_returning(node: Any) -> None:
        if getattr(node, "returningClause", None) or getattr(node, "returningList", None):
            raise RedshiftError('syntax error at or near "returning"', sqlstate="42601")

    def visit_MergeStmt(self, ancestors: Any, node: ast.MergeStmt) -> None:
        if node.withClause:
            raise NotInRedshift("MERGE does not support a WITH clause")
        if node.relation.alias:
            raise RedshiftError('syntax error at or near "as"', sqlstate="42601")
        if isinstance(node.sourceRelation, ast.RangeVar) and (
            (node.sourceRelation.schemaname, node.sourceRelation.relname)
            == (node.relation.schemaname, node.relation.relname)
        ):
            raise NotInRedshift("Source and target of MERGE must not be the same table")
        if not isinstance(node.sourceRelation, ast.RangeVar) and _reads(node.sourceRelation, node.relation):
            raise NotInRedshift("Source view/subquery in Merge statement cannot reference target table.")
        self._no_returning(node)
        kinds = [(clause.matchKind, clause.condition) for clause in node.mergeWhenClauses]
        matched = [kind for kind, _ in kinds if kind == enums.MergeMatchKind.MERGE_WHEN_MATCHED]
        missing = [kind for kind, _ in kinds if kind == enums.MergeMatchKind.MERGE_WHEN_NOT_MATCHED_BY_TARGET]
        if any(condition for _, condition in kinds):
            raise RedshiftError('syntax error at or near "and"', sqlstate="42601")
        if len(matched) != 1 or len(missing) != 1 or len(kinds) != 2:
            raise RedshiftError("MERGE takes one WHEN MATCHED and one WHEN NOT MATCHED", sqlstate="42601")
        if any(clause.commandType == enums.CmdType.CMD_NOTHING for clause in node.mergeWhenClauses):
            raise RedshiftError('syntax error at or near "do"', sqlstate="42601")

    def visit_TransactionStmt(self, ancestors: Any, node: ast.TransactionStmt) -> None:
        kinds = enums.TransactionStmtKind
        allowed = (kinds.TRANS_STMT_BEGIN, kinds.TRANS_STMT_START, kinds.TRANS_STMT_COMMIT, kinds.TRANS_STMT_ROLLBACK)
        if node.kind not in allowed or node.chain:
            raise NotInRedshift("savepoints and two-phase commits are not supported")

    def visit_Constraint(self, ancestors: Any, node: ast.Constraint) -> None:
        kinds = enums.ConstrType
        if node.contype not in (kinds.CONSTR_NOTNULL, kinds.CONSTR_NULL, kinds.CONSTR_DEFAULT, kinds.CONSTR_IDENTITY):
            name = enums.ConstrType(node.contype).name.removeprefix("CONSTR_")
            raise NotInRedshift(f"{name} constraints are not supported")

    def visit_CreateStmt(self, ancestors: Any, node: ast.CreateStmt) -> None:
        if node.partspec or node.inhRelations or node.options or node.tablespacename or node.accessMethod:
            raise NotInRedshift("partitions, inheritance, storage options and tablespaces are not supported")
        if node.relation.relpersistence == "u":
            raise RedshiftError('syntax error at or near "unlogged"', sqlstate="42601")
        if node.oncommit != enums.OnCommitAction.ONCOMMIT_NOOP:
            raise RedshiftError('syntax error at or near "on"', sqlstate="42601")

    def visit_ColumnDef(self, ancestors: Any, node: ast.ColumnDef) -> None:
        self.names.add(node.colname)
        if node.typeName and node.typeName.names[-1].sval in _NOT_IN_TABLES and not is_of_function(ancestors):
            raise NotInRedshift(f'Column "{node.colname}" has unsupported type "{node.typeName.names[-1].sval}".')

    def visit_TableLikeClause(self, ancestors: Any, node: ast.TableLikeClause) -> None:
        if node.options & ~enums.TableLikeOption.CREATE_TABLE_LIKE_DEFAULTS:
            raise RedshiftError('syntax error at or near "including"', sqlstate="42601")

    def visit_CreateTableAsStmt(self, ancestors: Any, node: ast.CreateTableAsStmt) -> None:
        if node.if_not_exists:
            raise RedshiftError('syntax error at or near "as"', sqlstate="42601")

    def visit_IntoClause(self, ancestors: Any, node: ast.IntoClause) -> None:
        if node.skipData:
            raise RedshiftError('syntax error at or near "with"', sqlstate="42601")

    def visit_AlterTableStmt(self, ancestors: Any, node: ast.AlterTableStmt) -> None:
        if len(node.cmds) != 1:
            raise RedshiftError("ALTER TABLE takes one action at a time", sqlstate="42601")
        action = enums.AlterTableType(node.cmds[0].subtype).name.removeprefix("AT_")
        if action not in _ALTERATIONS or node.cmds[0].missing_ok:
            raise NotInRedshift(f"ALTER TABLE … {action} is not supported")

    def visit_DropStmt(self, ancestors: Any, node: ast.DropStmt) -> None:
        kind = enums.ObjectType(node.removeType).name.removeprefix("OBJECT_")
        if kind not in _DROPPED or node.concurrent:
            raise NotInRedshift(f"DROP {kind} is not supported")

    def visit_LockStmt(self, ancestors: Any, node: ast.LockStmt) -> None:
        if node.mode != _ACCESS_EXCLUSIVE or node.nowait:
            raise RedshiftError('syntax error at or near "in"', sqlstate="42601")

    def visit_ExplainStmt(self, ancestors: Any, node: ast.ExplainStmt) -> None:
        if any(option.defname != "verbose" for option in node.options or ()):
            raise RedshiftError('syntax error at or near "("', sqlstate="42601")

    def visit_VariableSetStmt(self, ancestors: Any, node: ast.VariableSetStmt) -> None:
        if node.name and node.name.lower() not in _SETTINGS:
            raise RedshiftError(f'unrecognized configuration parameter "{node.name}"', sqlstate="42704")


def _reads(source: ast.Node, table: ast.RangeVar) -> bool:
    class Reader(Visitor):
        found = False

        def visit_RangeVar(self, ancestors: Any, node: ast.RangeVar) -> None:
            self.found = self.found or (node.schemaname, node.relname) == (table.schemaname, table.relname)

    reader = Reader()
    reader(source)
    return reader.found


def is_of_function(ancestors: Any) -> bool:
    """Whether a column is one of FROM f() AS t(column type)."""
    while ancestors:
        if isinstance(getattr(ancestors, "node", None), ast.RangeFunction):
            return True
        ancestors = ancestors.parent
    return False
