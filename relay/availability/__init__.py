"""How much of each month the relay could be used, and how many support requests were answered in time (R35, R36).

``book`` keeps the minutes, ``months`` makes the figures.
"""
