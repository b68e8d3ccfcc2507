"""What `lambent.cli` uses of botocore, for the type checker."""
