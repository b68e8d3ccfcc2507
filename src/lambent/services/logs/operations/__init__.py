"""CloudWatch Logs' operations, one file a noun."""
