-- People who said of a campaign's copy that they never agreed.
ALTER TABLE campaign ADD COLUMN contested INTEGER NOT NULL DEFAULT 0;
