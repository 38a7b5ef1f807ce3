-- A person is a row, and what was said refers to one: who counts as one is said, never guessed in silence.

CREATE TABLE person (
    person_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    name_key VARCHAR NOT NULL,
    known_by VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE person IS 'Somebody who says something of responses: one for each name within a way of being known; rows are never changed';
COMMENT ON COLUMN person.person_id IS 'Opaque id, the same for the same name known in the same way';
COMMENT ON COLUMN person.name IS 'Name as it was written first';
COMMENT ON COLUMN person.name_key IS 'What all spellings of the name have in common';
COMMENT ON COLUMN person.known_by IS 'browser where the name was typed there, file where it came with one';
COMMENT ON COLUMN person.created_at IS 'When they said something first, UTC';

CREATE TABLE person_counted (
    person_id VARCHAR NOT NULL,
    counted_as VARCHAR NOT NULL,
    decided_by VARCHAR NOT NULL,
    decided_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE person_counted IS 'Somebody said as whom a person counts: the latest row of a person counts';
COMMENT ON COLUMN person_counted.person_id IS 'Person';
COMMENT ON COLUMN person_counted.counted_as IS 'All who count as the same are one; their own person_id where they count as themselves alone. Without a row: the name_key';
COMMENT ON COLUMN person_counted.decided_by IS 'Name of who said so';
COMMENT ON COLUMN person_counted.decided_at IS 'When it was said, UTC';

ALTER TABLE annotation ADD COLUMN person_id VARCHAR;
COMMENT ON COLUMN annotation.person_id IS 'Person who said it; NULL only while the rows of an older version are brought up to date';
COMMENT ON COLUMN annotation.annotator IS 'Name as that person wrote it here';
