"""What a tenant may send: plans, periods and what was used of them.

Enters: plans from the settings, changes by the operator. Leaves: allowances and
figures. Counting is the commit's that accepts a message, not ours.
"""
