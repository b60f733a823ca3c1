"""``/account``: a tenant's own pages. Everything is read and done by the functions that commands and API call."""
