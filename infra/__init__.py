"""The warehouse on AWS: the wanted stack, the existing one, and the steps between them. Uses only boto3."""
