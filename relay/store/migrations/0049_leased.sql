-- At start the leases of processes that are gone are taken back. They are a thousand at most, among ten million copies.
CREATE INDEX recipient_leased ON recipient (owner) WHERE owner IS NOT NULL AND state = 0;
