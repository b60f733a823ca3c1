"""The server's certificate: which one is shown, and how one is got and renewed from an authority (ACME, RFC 8555).

Enters: names that the settings give, an authority's directory. Leaves: one file with key and chain, in data_dir.
Never: ports, and the walk of a message; those who talk with clients ask for a context and for answers to challenges.
"""
