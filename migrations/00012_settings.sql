-- +goose Up
-- What a vendor asks for beside the secret: a region, a project. Not secret. The ciphertext is bound to it, as to base_url: whoever
-- changes it has to enter the secret again. Rows without settings open as before.
ALTER TABLE credentials
    ADD COLUMN settings jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT credentials_settings CHECK (jsonb_typeof(settings) = 'object' AND octet_length(settings::text) <= 8192);

-- +goose Down
ALTER TABLE credentials DROP COLUMN settings;
