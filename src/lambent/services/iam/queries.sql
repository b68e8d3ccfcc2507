-- name: insert_role
-- Record a role that was just made.
INSERT INTO roles (account, name, role_id, path, arn, description, trust_policy, max_session_duration_s,
                   permissions_boundary, created_at)
VALUES (:account, :name, :role_id, :path, :arn, :description, :trust_policy, :max_session_duration_s,
        :permissions_boundary, :created_at);

-- name: role_named
-- Find a role of an account by its name.
SELECT account, name, role_id, path, arn, description, trust_policy, max_session_duration_s, permissions_boundary, created_at
FROM roles WHERE account = :account AND name = :name;

-- name: role_at
-- Find a role by its ARN.
SELECT account, name, role_id, path, arn, description, trust_policy, max_session_duration_s, permissions_boundary, created_at
FROM roles WHERE arn = :arn;

-- name: roles_after
-- List an account's roles below a path, in the order of their names, from behind a name.
SELECT account, name, role_id, path, arn, description, trust_policy, max_session_duration_s, permissions_boundary, created_at
FROM roles
WHERE account = :account AND name > :after AND substr(path, 1, length(:path_prefix)) = :path_prefix
ORDER BY name LIMIT :limit;

-- name: set_trust_policy
-- Replace the policy that says who may assume a role.
UPDATE roles SET trust_policy = :document WHERE arn = :arn;

-- name: set_role_settings
-- Replace a role's description and the longest session it allows.
UPDATE roles SET description = :description, max_session_duration_s = :max_session_duration_s WHERE arn = :arn;

-- name: delete_role
-- Forget a role, and its tags with it.
DELETE FROM roles WHERE arn = :arn;

-- name: put_role_tag
-- Set one tag of a role.
INSERT INTO role_tags (role_arn, key, value) VALUES (:arn, :key, :value)
ON CONFLICT (role_arn, key) DO UPDATE SET value = excluded.value;

-- name: delete_role_tag
-- Remove one tag of a role.
DELETE FROM role_tags WHERE role_arn = :arn AND key = :key;

-- name: role_tags
-- List a role's tags (at most fifty).
SELECT key, value FROM role_tags WHERE role_arn = :arn ORDER BY key;

-- name: put_role_policy
-- Set one inline policy of a role.
INSERT INTO role_policies (role_arn, name, document) VALUES (:arn, :name, :document)
ON CONFLICT (role_arn, name) DO UPDATE SET document = excluded.document;

-- name: role_policy
-- Find one inline policy of a role.
SELECT document FROM role_policies WHERE role_arn = :arn AND name = :name;

-- name: role_policies_after
-- List the names of a role's inline policies from behind a name.
SELECT name FROM role_policies WHERE role_arn = :arn AND name > :after ORDER BY name LIMIT :limit;

-- name: role_policy_documents
-- List all inline policies of a role (their sizes together are limited).
SELECT name, document FROM role_policies WHERE role_arn = :arn;

-- name: delete_role_policy
-- Remove one inline policy of a role.
DELETE FROM role_policies WHERE role_arn = :arn AND name = :name;

-- name: attach_role_policy
-- Attach a managed policy to a role; attaching it twice is the same as once.
INSERT INTO role_attachments (role_arn, policy_arn) VALUES (:arn, :policy_arn) ON CONFLICT DO NOTHING;

-- name: detach_role_policy
-- Take a managed policy off a role.
DELETE FROM role_attachments WHERE role_arn = :arn AND policy_arn = :policy_arn;

-- name: role_attachments
-- List the managed policies that are attached to a role (at most the quota).
SELECT policy_arn FROM role_attachments WHERE role_arn = :arn ORDER BY policy_arn;

-- name: attachment_count
-- Count the roles of an account that a policy is attached to.
SELECT count(*) FROM role_attachments JOIN roles ON roles.arn = role_arn
WHERE policy_arn = :policy_arn AND account = :account;

-- name: insert_policy
-- Record a managed policy that a customer made.
INSERT INTO policies (account, name, policy_id, path, arn, description, document, created_at)
VALUES (:account, :name, :policy_id, :path, :arn, :description, :document, :created_at);

-- name: policy_named
-- Find a customer's managed policy by its name.
SELECT name, policy_id, path, arn, description, document, created_at
FROM policies WHERE account = :account AND name = :name;

-- name: policy_at
-- Find a customer's managed policy by its ARN.
SELECT name, policy_id, path, arn, description, document, created_at FROM policies WHERE arn = :arn;

-- name: policies_of
-- List a customer's managed policies (at most the quota of 1,500).
SELECT name, policy_id, path, arn, description, document, created_at
FROM policies WHERE account = :account ORDER BY name;

-- name: delete_policy
-- Forget a customer's managed policy, and its tags with it.
DELETE FROM policies WHERE arn = :arn;

-- name: put_policy_tag
-- Set one tag of a managed policy.
INSERT INTO policy_tags (policy_arn, key, value) VALUES (:arn, :key, :value)
ON CONFLICT (policy_arn, key) DO UPDATE SET value = excluded.value;

-- name: policy_tags
-- List a managed policy's tags (at most fifty).
SELECT key, value FROM policy_tags WHERE policy_arn = :arn ORDER BY key;
