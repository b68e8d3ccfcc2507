CREATE TABLE functions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,    -- JSON object
    serving TEXT,          -- JSON of the FunctionVersion that is invoked instead of $LATEST, while that is not fit
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;

CREATE TABLE function_versions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,    -- 0: $LATEST
    document TEXT NOT NULL,     -- JSON of the FunctionVersion
    PRIMARY KEY (account, region, name, number),
    FOREIGN KEY (account, region, name) REFERENCES functions ON DELETE CASCADE
);

-- Outlives its function: version numbers are never given twice, not even to another function of the same name.
CREATE TABLE function_version_numbers (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;
