"""CloudWatch Logs: groups, streams and events; reading them back, filtering them, forgetting them.

Metric and subscription filters, Insights queries, Live Tail, encryption and classes of groups are not here and answer
NotImplemented. What the Lambda data plane writes comes through `sink.py`, the port `core.ports.LogSink`, not through
PutLogEvents.
"""
