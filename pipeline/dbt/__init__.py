"""Running dbt in this process: commands, macros, the profile's connection. Imports console."""
