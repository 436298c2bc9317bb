"""A Redshift to test against where there is no AWS.

A server that speaks PostgreSQL's wire protocol takes statements in Redshift's dialect, refuses what Redshift refuses,
carries out COPY itself, and hands the rest, rewritten where the dialects differ, to a PostgreSQL behind it. Beside it
stands moto's server for S3, IAM and Redshift's own API. It proves that the drivers' talk, the transactions, COPY and
the meaning of the statements are right; it says nothing of plans, speed and serializable conflicts.
"""

from redshift_stand_in.stand_in import StandIn

__all__ = ["StandIn"]
