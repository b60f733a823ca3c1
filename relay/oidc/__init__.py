"""The operator's OpenID provider: what it says it can do, its keys, a code for a token, and what a token says.

Enters: settings, a code that a browser brought. Leaves: ``OidcClaims`` that were
checked, or ``OidcRefused`` and ``OidcUnreachable``. Everything that comes from
there has a bound and a time limit. Knows no log-ins and no pages.
"""
