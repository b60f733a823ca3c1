-- What tenants and staff write to each other (relay/support).
CREATE TABLE support_thread (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,                           -- question, claim, appeal
    subject TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '',               -- campaign:12, statement:3; '': nothing of the relay's
    state TEXT NOT NULL,                          -- whose turn it is: staff, tenant; closed
    at REAL NOT NULL,
    due_at REAL,                                  -- until when staff answers; NULL: not their turn
    changed_at REAL NOT NULL
);
CREATE INDEX support_thread_of_tenant ON support_thread (tenant_id, id);
CREATE INDEX support_thread_by_state ON support_thread (state, due_at);
CREATE TABLE support_post (
    id INTEGER PRIMARY KEY,
    thread_id INTEGER NOT NULL REFERENCES support_thread (id) ON DELETE CASCADE,
    at REAL NOT NULL,
    staff INTEGER NOT NULL,                       -- 1: written by the operator's
    author TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX support_post_of_thread ON support_post (thread_id, id);
