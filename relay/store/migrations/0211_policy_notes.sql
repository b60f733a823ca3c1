-- What policies noticed, for their copies in other processes and after a restart (relay/notes/).
CREATE TABLE policy_note (
    id INTEGER PRIMARY KEY AUTOINCREMENT,         -- grows, also when the latest are gone
    policy TEXT NOT NULL,
    writer TEXT NOT NULL,                         -- the process, another one after each start
    until REAL NOT NULL,
    octets BLOB NOT NULL                          -- of a form of the policy's own
);
CREATE INDEX policy_note_of ON policy_note (policy, id);
