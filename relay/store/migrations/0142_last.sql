-- What hasn't left at this time is dropped and given back (Relay-Expire); NULL: tried until expires_at, or looked at.
ALTER TABLE submission ADD COLUMN last_at REAL;
CREATE INDEX submission_last ON submission (last_at) WHERE last_at IS NOT NULL;
