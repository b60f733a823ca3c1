-- How many copies keep a person among those counted; NULL of those counted before: of these nobody is given back.
ALTER TABLE counted ADD COLUMN copies INTEGER;
-- The set of different people that a message's recipients are counted in; '' for none.
ALTER TABLE submission ADD COLUMN counted_in TEXT NOT NULL DEFAULT '';
