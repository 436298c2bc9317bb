"""The load on DuckDB: small files merged on disk, all read by one statement. Imports what load does."""
