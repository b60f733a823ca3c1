"""The mail process: the only place that knows all parts, and puts them together, starts and stops them.

Enters: settings, bound ports and a share of the machine. Leaves: nothing but
its end. It decides nothing about a message. ``app`` is the process's life,
``doors`` what mail comes in by, ``engine`` what it leaves by, ``chores`` what
one of the processes does for all.
"""
