"""What people look at: docs, diagrams, notebooks, the report. Imports warehouse, dbt, source and console."""
