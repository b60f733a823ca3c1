"""Signing in and out: password, second factor, a new password by mail. Says nothing of who has a log-in."""
