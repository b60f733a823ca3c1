"""Typed settings: what `relay.toml` may say, read, checked and documented.

Enters: a TOML file. Leaves: one frozen ``config.settings.Settings``, or one
``config.load.ConfigError`` that lists every fault. Never imports the engine
or a policy, never opens a socket.
"""
