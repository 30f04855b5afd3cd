"""The service: it takes commands over HTTP, commits them in batches and answers reads."""
