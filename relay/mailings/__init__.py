"""Mailings that people write in the account: drafts, whom they are for, how far each has come.

In: what somebody wrote. Out: a record that ``relay.mailings.running`` works off
through the same door as the API's messages. Never: a way past the policies.
"""
