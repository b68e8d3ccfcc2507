"""Attacks that would harm the machine if isolation failed. Collected only inside the namespaces that `test_outer` makes."""
