"""localdapr: an embedded Dapr sidecar on SQLite."""
