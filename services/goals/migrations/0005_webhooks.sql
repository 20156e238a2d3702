-- Webhooks are configuration and bookkeeping, not facts about goals: no event is recorded of them.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    url text NOT NULL,
    event_types text[] NOT NULL,
    description text NOT NULL,
    enabled boolean NOT NULL,
    disabled_because text,
    -- As they are: a signature cannot be made from anything less.
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until timestamptz,
    -- Up to here the log was looked through; committed together with what was found.
    position bigint NOT NULL,
    failing_since timestamptz,
    resting_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);

-- One row for each event and webhook. What is sent is read from the log again each time.
CREATE TABLE webhook_deliveries (
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    event_time timestamptz NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_attempt_at timestamptz,
    last_status integer,
    last_error text,
    last_answer text,
    ended_at timestamptz,
    PRIMARY KEY (webhook_id, position),
    UNIQUE (webhook_id, event_id)
);

CREATE INDEX webhook_deliveries_due_idx
    ON webhook_deliveries (webhook_id, next_attempt_at, position) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_failed_idx
    ON webhook_deliveries (webhook_id, position) WHERE state = 'failed';
CREATE INDEX webhook_deliveries_ended_idx
    ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- What each request about webhooks was answered: the same key gets the same answer again.
CREATE TABLE webhook_answers (
    caller text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    body bytea NOT NULL,
    etag bigint,
    location text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);

CREATE INDEX webhook_answers_recorded_at_idx ON webhook_answers USING brin (recorded_at);
