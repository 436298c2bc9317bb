"""What a command prints: steps, tables, and faults of files as one line. Imports the modules beside the rooms."""
