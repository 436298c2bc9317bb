"""Around dbt, in rooms. Each imports only those named after it: run, site, load, warehouse, dbt, source, console."""
