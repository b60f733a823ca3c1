-- Whether somebody who reads a log-in's mailbox has said so (relay/accounts/confirming.py).
ALTER TABLE login ADD COLUMN confirmed_at REAL;
ALTER TABLE login ADD COLUMN confirm_token BLOB;
ALTER TABLE login ADD COLUMN confirm_asked_at REAL;
