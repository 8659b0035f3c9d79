"""The HTTP front end: takes requests in, names them, hands them on, serves what is ready."""
