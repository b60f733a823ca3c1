-- Functions that SQLite has and PostgreSQL has not, as far as the house's SQL uses them. Made anew by each migration.

CREATE OR REPLACE FUNCTION whole(double precision) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT trunc($1)::bigint $$;
CREATE OR REPLACE FUNCTION whole(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 $$;
CREATE OR REPLACE FUNCTION whole(numeric) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT trunc($1)::bigint $$;
CREATE OR REPLACE FUNCTION whole(text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT coalesce(trunc(substring($1 FROM '^\s*([+-]?\d+(?:\.\d*)?)')::numeric)::bigint, 0) $$;

CREATE OR REPLACE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT strpos($1, $2) $$;

-- Whoever catches an exception begins a subtransaction, which no query may that runs in parallel.
CREATE OR REPLACE FUNCTION json_valid(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
AS $$ BEGIN
    RETURN document IS NOT NULL AND document::json IS NOT NULL;
EXCEPTION WHEN OTHERS THEN RETURN FALSE;
END $$;

-- A member of an object, as text; NULL where there is none, or no object.
CREATE OR REPLACE FUNCTION json_extract(document text, path text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
AS $$ BEGIN
    RETURN document::json ->> substr(path, 3);
EXCEPTION WHEN OTHERS THEN RETURN NULL;
END $$;

-- `*` for any text, `?` for any character, `[x]` for x itself.
CREATE OR REPLACE FUNCTION glob(pattern text, value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT value ~ ('^(?:' || replace(replace(
    regexp_replace(pattern, '([.^$+(){}|\\])', '\\\1', 'g'), '*', '.*'), '[?]', '\?') || ')$') $$;

-- Members of the second replace those of the first; null takes one out (RFC 7396, of flat objects).
CREATE OR REPLACE FUNCTION json_patch(document text, patch text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT coalesce('{' || string_agg(to_json(key)::text || ':' || value::text, ',' ORDER BY place) || '}', '{}') FROM (
    SELECT o.key, coalesce(n.value, o.value) AS value, o.place AS place
      FROM json_each(document::json) WITH ORDINALITY o (key, value, place)
      LEFT JOIN json_each(patch::json) n ON n.key = o.key
    UNION ALL
    SELECT n.key, n.value, 1000000 + n.place FROM json_each(patch::json) WITH ORDINALITY n (key, value, place)
     WHERE NOT EXISTS (SELECT 1 FROM json_each(document::json) o WHERE o.key = n.key)
) merged WHERE value::text <> 'null' $$;
