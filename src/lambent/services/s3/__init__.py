"""Amazon S3, so far as Lambent has it: reading objects from another one. There is no S3 service of our own yet."""
