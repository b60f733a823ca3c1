"""What people read, in their language: pages and confirmation mails.

Enters: the key of a text, the names in it, a language. Leaves: text, or
markup with the names escaped. English stands in ``english``, each other
language in ``locale/CODE.po``; those files are read as they are, so nothing
has to be compiled. Never looks anything up elsewhere.
"""
