"""Lists that are handed in by page: kept on the disk, tried and taken by a process of their own, then forgotten.

Enters: a file and what its giver says of it. Leaves: the same import as ``relay consent import`` makes, its sentences
and its report. It judges no line, and nothing of it runs in the process that answers pages.
"""
