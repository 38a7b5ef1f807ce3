-- Prices that people entered, for estimates of cost.

CREATE TABLE price (
    price_id VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    input_per_million DOUBLE,
    output_per_million DOUBLE,
    per_request DOUBLE,
    is_removed BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE price IS 'What a model or a quality preset costs, in one currency: the latest row of a subject and name counts';
COMMENT ON COLUMN price.price_id IS 'Opaque id';
COMMENT ON COLUMN price.subject IS 'model or preset';
COMMENT ON COLUMN price.name IS 'Name of the model or of the preset';
COMMENT ON COLUMN price.input_per_million IS 'For a million tokens sent to a model; NULL for a preset';
COMMENT ON COLUMN price.output_per_million IS 'For a million tokens that a model wrote; NULL for a preset';
COMMENT ON COLUMN price.per_request IS 'For one request that scores at a preset; NULL for a model';
COMMENT ON COLUMN price.is_removed IS 'True where the price was taken away';
COMMENT ON COLUMN price.created_at IS 'When it was entered, UTC';
