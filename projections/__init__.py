"""Show what the facts add up to, in tables that can be thrown away and rebuilt."""
