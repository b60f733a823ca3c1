"""``/desk``: the operator's pages, by role. Everything is read and done by the functions that commands call."""
