"""The warehouse on AWS: what there must be, what there is, and the way from one to the other. Touches boto3 only."""
