"""What `lambent.cli` uses of boto3, for the type checker: boto3 has no types of its own, and strict wants some."""
