-- Sign-in of people by SAML and OpenID Connect (keystead.identity.signin): where each provider takes
-- requests, what the operator says of it, and sign-ins that are on their way.

CREATE TABLE iam_saml_sign_on (
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    binding TEXT NOT NULL,          -- Redirect, POST
    location TEXT NOT NULL,         -- URL
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_saml_sign_on_key ON iam_saml_sign_on (account, provider_id);
CREATE INDEX iam_saml_provider_id ON iam_saml_provider (provider_id);
CREATE INDEX iam_oidc_provider_id ON iam_oidc_provider (provider_id);

CREATE TABLE signin_provider (
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    provider_initiated INTEGER NOT NULL, -- SAML: 1 if people may begin at the provider
    client_id TEXT NOT NULL,             -- OpenID Connect, as the rest
    client_secret BLOB NOT NULL,         -- sealed; empty: a client without one
    role_claim TEXT NOT NULL,            -- the claim whose values are ARNs of roles
    role TEXT NOT NULL,                  -- or the one role of everybody
    name_claim TEXT NOT NULL,            -- the claim that names the session
    scopes TEXT NOT NULL,                -- what is asked for, with spaces between
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_provider_key ON signin_provider (account, provider_id);

CREATE TABLE signin_arrival (
    account TEXT NOT NULL,
    arrival_id TEXT NOT NULL,      -- SHA-256 of the handle
    stage TEXT NOT NULL,           -- what is awaited: saml, oidc, code, browser
    provider_id TEXT NOT NULL,
    browser TEXT NOT NULL,         -- SHA-256 of the cookie of the browser that began
    evidence BLOB NOT NULL,        -- sealed: who comes, once it is proved; else empty
    solicited INTEGER NOT NULL,    -- 1 if the sign-in began here
    began INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_arrival_key ON signin_arrival (account, arrival_id);
CREATE INDEX signin_arrival_provider ON signin_arrival (account, provider_id, stage, began);
CREATE INDEX signin_arrival_expires ON signin_arrival (expires);
