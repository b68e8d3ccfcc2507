"""The native backend: a small program, the spawner, makes sandboxes out of namespaces, mounts, cgroups and seccomp.

One file per mechanism, each saying what it defends against. The server's side is `backend`, `spawners`, `sandboxes` and
`cgroups`; everything else here runs in the spawner, under any Python from 3.10, and imports only the standard library.
"""
