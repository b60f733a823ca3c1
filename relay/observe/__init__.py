"""Logging and figures for those who run the relay. Nothing here decides anything."""
