-- A tenant that moves in is watched for some days: who gave no consent is recorded and not yet refused. NULL: never.
ALTER TABLE tenant ADD COLUMN watched_at REAL;
ALTER TABLE tenant ADD COLUMN watched_until REAL;
