"""Taking over from another mail server: what it was set to is read, held against what there is here, and then done.

Enters: files of that server, as they are. Leaves: settings, domains with their keys, log-ins, networks, suppressions.
Never: a consent that nobody gave, a password that only its hash is known of; those are told.
"""
