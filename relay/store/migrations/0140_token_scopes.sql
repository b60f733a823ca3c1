-- What a token may do, words with blanks between; those there were could record consents and read.
ALTER TABLE api_token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'consents read';
-- 1: nothing that is sent with it reaches anyone.
ALTER TABLE api_token ADD COLUMN sandbox INTEGER NOT NULL DEFAULT 0;
