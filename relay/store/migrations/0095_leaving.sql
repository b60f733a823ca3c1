-- A domain that was removed while mail from it waits keeps its keys until that mail is gone: taken back, it signs again.
ALTER TABLE domain ADD COLUMN removed_at REAL;
-- Some receivers take a second algorithm for a fault.
ALTER TABLE domain ADD COLUMN ed25519 INTEGER NOT NULL DEFAULT 1;      -- 0: signs by RSA alone
