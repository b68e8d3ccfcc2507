CREATE TABLE roles (
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    role_id TEXT NOT NULL,
    path TEXT NOT NULL,
    arn TEXT NOT NULL UNIQUE,
    description TEXT,
    trust_policy TEXT NOT NULL,
    max_session_duration_s INTEGER NOT NULL,
    permissions_boundary TEXT,
    created_at REAL NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE role_tags (
    role_arn TEXT NOT NULL REFERENCES roles (arn) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (role_arn, key)
) WITHOUT ROWID;

CREATE TABLE role_policies (
    role_arn TEXT NOT NULL REFERENCES roles (arn) ON DELETE RESTRICT,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (role_arn, name)
) WITHOUT ROWID;

CREATE TABLE role_attachments (
    role_arn TEXT NOT NULL REFERENCES roles (arn) ON DELETE RESTRICT,
    policy_arn TEXT NOT NULL,
    PRIMARY KEY (role_arn, policy_arn)
) WITHOUT ROWID;

CREATE INDEX role_attachments_by_policy ON role_attachments (policy_arn);

CREATE TABLE policies (
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    policy_id TEXT NOT NULL,
    path TEXT NOT NULL,
    arn TEXT NOT NULL UNIQUE,
    description TEXT,
    document TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE policy_tags (
    policy_arn TEXT NOT NULL REFERENCES policies (arn) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (policy_arn, key)
) WITHOUT ROWID;
