"""Templates of tenants: kept by name and version, checked when they are stored, filled with values within bounds.

In: texts of tenants, values of applications. Out: finished texts, or pieces with values for each recipient.
Never: files, attributes, or work without an end.
"""
