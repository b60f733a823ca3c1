-- The language in which a person agreed, as a form knows it: footers are in it. '' where it isn't known.
ALTER TABLE consent ADD COLUMN language TEXT NOT NULL DEFAULT '';
-- What a stream's footer holds: full, short or headers; '' for what its kind has. Less than its kind's has a reason.
ALTER TABLE stream ADD COLUMN footer TEXT NOT NULL DEFAULT '';
