"""The AWS services around Lambda. Each package is one service and knows none of its siblings: what it needs of another
stands in `core.ports`, and app.py joins them.
"""
