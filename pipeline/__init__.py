"""What happens around dbt: which files to load, running dbt in this process, publishing, simulating a source."""
