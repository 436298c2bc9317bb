"""The load on Redshift: COPY, and finding the records that it refused. Imports what load does."""
