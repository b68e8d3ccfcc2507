-- What belongs to a function and goes with it: its aliases, policies, URLs, ...
CREATE TABLE function_parts (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,         -- Part.KIND
    qualifier TEXT NOT NULL,    -- a version or an alias; $LATEST: the function itself
    document TEXT NOT NULL,     -- JSON of the Part
    PRIMARY KEY (account, region, name, kind, qualifier),
    FOREIGN KEY (account, region, name) REFERENCES functions ON DELETE CASCADE
) WITHOUT ROWID;

-- What is no function's: layer versions, event source mappings, code signing configurations.
CREATE TABLE resources (
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key TEXT NOT NULL,          -- what names it among those of its kind
    document TEXT NOT NULL,     -- JSON
    PRIMARY KEY (kind, account, region, key)
) WITHOUT ROWID;
