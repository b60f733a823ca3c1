-- Forms ask for the consent to being tracked by a box of its own.
ALTER TABLE form ADD COLUMN ask_tracking INTEGER NOT NULL DEFAULT 0;
ALTER TABLE opt_in ADD COLUMN tracking TEXT NOT NULL DEFAULT '';       -- words beside the box that was ticked; '' if it wasn't
