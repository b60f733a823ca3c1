"""The HTTP process: its server, its guard against what strangers send, and the whole application put together."""
