"""What comes in: a source's files in a folder or in S3, and simulated ones. Imports console."""
