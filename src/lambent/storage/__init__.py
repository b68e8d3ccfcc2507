"""Durable facts: rows in SQLite, content-addressed files, and the directory that holds both.

It is not an object mapper and not a cache: services write SQL in their own `queries.sql`, keep their own migrations,
and hand functions over a connection to `Database.write`, which returns when the commit is on the disk.
"""
