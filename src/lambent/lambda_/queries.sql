-- name: select_functions
-- Every function there is, in the order of its versions' rows.
SELECT functions.account, functions.region, functions.name, tags, serving, coalesce(last, 0)
FROM functions LEFT JOIN function_version_numbers USING (account, region, name)
ORDER BY functions.account, functions.region, functions.name;

-- name: select_function
-- One function, if it exists.
SELECT account, region, name, tags, serving, coalesce(last, 0)
FROM functions LEFT JOIN function_version_numbers USING (account, region, name)
WHERE account = :account AND region = :region AND name = :name;

-- name: select_all_versions
-- Every version of every function, $LATEST first.
SELECT account, region, name, number, document FROM function_versions ORDER BY account, region, name, number;

-- name: select_versions
-- Every version of one function, $LATEST first.
SELECT number, document FROM function_versions
WHERE account = :account AND region = :region AND name = :name ORDER BY number;

-- name: select_last_number
-- The highest version number that a function of this name ever had.
SELECT last FROM function_version_numbers WHERE account = :account AND region = :region AND name = :name;

-- name: put_function
-- Write a function's own row, new or not.
INSERT INTO functions (account, region, name, tags, serving) VALUES (:account, :region, :name, :tags, :serving)
ON CONFLICT DO UPDATE SET tags = excluded.tags, serving = excluded.serving;

-- name: put_version
-- Write a version's row, new or not.
INSERT INTO function_versions (account, region, name, number, document)
VALUES (:account, :region, :name, :number, :document)
ON CONFLICT DO UPDATE SET document = excluded.document;

-- name: put_last_number
-- Remember a version number as given.
INSERT INTO function_version_numbers (account, region, name, last) VALUES (:account, :region, :name, :last)
ON CONFLICT DO UPDATE SET last = excluded.last;

-- name: delete_version
-- Forget one published version.
DELETE FROM function_versions WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: delete_function
-- Forget a function and, by cascade, its versions.
DELETE FROM functions WHERE account = :account AND region = :region AND name = :name;
