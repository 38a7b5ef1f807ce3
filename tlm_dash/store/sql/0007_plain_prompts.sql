-- A prompt that is all of its conversation is kept once: most of the bytes of most datasets are such prompts.

ALTER TABLE item ALTER COLUMN messages DROP NOT NULL;
COMMENT ON COLUMN item.messages IS 'JSON list of chat messages, as sent; NULL where they are the prompt alone, said by a user';
