-- Machines that lease from this store, each with a heartbeat; owners in leases begin with a node's id.
CREATE TABLE node (
    id TEXT PRIMARY KEY,                          -- here: the machine that has the database as a file
    name TEXT NOT NULL,
    started_at REAL NOT NULL,                     -- of the process that beat last
    seen_at REAL NOT NULL,                        -- last beat, by its own clock: for people, nothing is judged by it
    beats INTEGER NOT NULL DEFAULT 0,             -- moves for as long as it lives
    lease_s REAL NOT NULL                         -- the longest that a lease of it lasts
);
