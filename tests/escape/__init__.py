"""Hostile guests. Each tries to get out, to look out or to take the machine down, fails, and nobody else notices.

Only over the native backend. What would harm the machine if isolation failed is in `outer/`: those tests run in a child, in
a pid, mount, ipc and uts namespace of its own, and only after a harmless look at the guest has found it powerless.
"""
