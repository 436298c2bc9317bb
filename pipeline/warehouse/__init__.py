"""What there is: tables, ledger, locks, queries, the published file. Imports dbt, source and console."""
