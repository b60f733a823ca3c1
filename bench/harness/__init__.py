"""Side-by-side benchmark of mail relays on loopback: ``bench/run``.

In comes the name of contestants and works, out go JSON lines and a table. It
never looks into a contestant's queue: load is what smtp-source sends, arrival
is what smtp-sink counts, cost is what the kernel charges the processes.
"""
