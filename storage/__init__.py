"""What is remembered and coordinated: audio in the bucket, jobs in Redis."""
