-- Reports of spam by anyone, on a public page (relay/feedback/public_report.py): nothing counts before its address is confirmed.
CREATE TABLE spam_report (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    network BLOB NOT NULL,                        -- keyed hashes
    person BLOB NOT NULL,
    address TEXT NOT NULL,                        -- of who reports
    message TEXT NOT NULL DEFAULT '',             -- what was pasted, its beginning
    sender TEXT NOT NULL DEFAULT '',              -- address that the spam came from, as the person says
    description TEXT NOT NULL DEFAULT '',
    confirmed_at REAL,
    outcome TEXT NOT NULL DEFAULT '',             -- counted, desk, nothing
    tenant_id INTEGER,
    submission_id INTEGER,
    closed_at REAL,
    closed_by TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX spam_report_at ON spam_report (at);
