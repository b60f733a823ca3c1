"""Where the relay's CPU time goes: ``bench/profile``.

In comes a work, out go a flame graph as SVG and a table of shares. py-spy looks
at the relay's processes from outside; the relay runs as it does elsewhere.
"""
