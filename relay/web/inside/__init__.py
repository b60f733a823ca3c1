"""What all pages behind a log-in share: the gate, the cookie, where a request was made."""
