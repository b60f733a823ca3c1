-- What became of the people of each list: copies sent, returned, people who unsubscribed, complained, contested.
CREATE TABLE import_fate (
    import_id INTEGER NOT NULL REFERENCES consent_import (id),
    kind TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (import_id, kind)
) WITHOUT ROWID;
