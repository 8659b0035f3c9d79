"""The Celery worker: takes a job's name, leaves its audio in the bucket."""
