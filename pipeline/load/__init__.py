"""From a source's files to rows of the landed tables. Imports warehouse, dbt, source and console."""
