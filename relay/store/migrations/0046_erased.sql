-- Who was erased, as a keyed hash: no list brings the person back, and what stopped all mail goes on stopping it (R26).
CREATE TABLE erased (
    tenant_id INTEGER NOT NULL,
    person BLOB NOT NULL,                         -- keyed hash of the mailbox
    erased_at REAL NOT NULL,
    stopped INTEGER NOT NULL,                     -- 1: a complaint, a hard bounce or the operator had stopped all mail
    PRIMARY KEY (tenant_id, person)
) WITHOUT ROWID;
