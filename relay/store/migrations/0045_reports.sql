-- One row a spam report on a copy that several people shared, for a day: what limits them. Nothing in it names a person.
CREATE TABLE report_try (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    network BLOB NOT NULL,                        -- keyed hash of the client's network
    submission_id INTEGER NOT NULL
);
CREATE INDEX report_try_by_network ON report_try (network, at);
CREATE INDEX report_try_by_submission ON report_try (submission_id, at);
CREATE INDEX report_try_by_time ON report_try (at);
