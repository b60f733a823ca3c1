"""What tenants and the operator's staff write to each other: threads with a state and a due date (R32, R36).

Enters: texts of either side. Leaves: threads, letters to the other side, and what is
overdue. The answer to a statement of reasons is such a thread; it decides nothing by itself.
"""
