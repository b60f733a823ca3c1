-- One row a letter of a stranger's that went to the operator, for a day: what limits them, and what came twice.
CREATE TABLE operator_mail (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    network BLOB NOT NULL,                        -- keyed hash of the client's network
    digest BLOB NOT NULL                          -- of the letter
);
CREATE INDEX operator_mail_by_network ON operator_mail (network, at);
CREATE INDEX operator_mail_by_digest ON operator_mail (digest, at);
CREATE INDEX operator_mail_by_time ON operator_mail (at);
