"""Working mailings off: a batch of people at a time goes in by the door that the API's messages go in by.

In: mailings whose time has come. Out: accepted copies, each step taken in the commit that stores them.
Never: a message past the policies, or more than a batch in memory.
"""
