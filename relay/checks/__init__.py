"""Looking whether a relay can work as it is set: files, store, ports, certificate, DNS.

Enters: the settings, and what answers (clock, look-up). Leaves: ``Result``
rows. Never changes anything, and never raises for what it finds.
"""
