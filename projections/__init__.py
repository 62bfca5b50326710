"""Lists that can be thrown away and rebuilt from the log: one table and its questions each."""
