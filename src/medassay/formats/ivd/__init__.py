"""In-vitro-diagnostic formats: glucose traces, laboratory tables, units."""
