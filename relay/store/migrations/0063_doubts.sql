-- People whose mailbox was said to take no mail in words that are said of living ones too: it counts when it is said again a day later.
CREATE TABLE doubt (
    subscriber_id INTEGER PRIMARY KEY,
    domain TEXT NOT NULL,
    kind TEXT NOT NULL,                           -- relay/verdict/values.py: Kind
    first_at REAL NOT NULL,
    last_at REAL NOT NULL
);
CREATE INDEX doubt_by_domain ON doubt (domain, last_at);
CREATE INDEX doubt_by_age ON doubt (last_at);
