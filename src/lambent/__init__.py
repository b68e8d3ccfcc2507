"""Lambent: AWS Lambda that you own. `app` is the whole system on one page; docs/ARCHITECTURE.md says what is where."""
