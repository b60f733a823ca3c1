-- A leaf's number in the tree comes from the sequencer, when it takes the leaf in; ids promise neither order nor
-- absence of gaps. What is under a head has its number by its id, as it was until now: a leaf that is missing there
-- stays missing. The rest is given its numbers by the sequencer.
ALTER TABLE audit_leaf ADD COLUMN number INTEGER;
UPDATE audit_leaf SET number = id - 1 WHERE id <= (SELECT coalesce(max(size), 0) FROM audit_head);
-- Finds what is to be taken in as well: those without a number, in the order of their ids.
CREATE UNIQUE INDEX audit_leaf_by_number ON audit_leaf (number);
-- Heads follow each other by their size.
CREATE INDEX audit_head_by_size ON audit_head (size);
