-- Lists of IAM's entities that search no further than they show.

-- Those below a path. Most have the path '/', which is asked for without an index of its own.
CREATE INDEX iam_user_path ON iam_user (account, path, name_key) WHERE path <> '/';
CREATE INDEX iam_group_path ON iam_group (account, path, name_key) WHERE path <> '/';
CREATE INDEX iam_role_path ON iam_role (account, path, name_key) WHERE path <> '/';
CREATE INDEX iam_instance_profile_path ON iam_instance_profile (account, path, name_key)
    WHERE path <> '/';

-- Those that a policy bounds, in the order in which they are listed.
DROP INDEX iam_user_boundary;
DROP INDEX iam_role_boundary;
CREATE INDEX iam_user_boundary ON iam_user (account, boundary, user_id);
CREATE INDEX iam_role_boundary ON iam_role (account, boundary, role_id);
