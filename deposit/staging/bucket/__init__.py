"""The staging area in a bucket of an S3 service: no disk is shared between machines."""
