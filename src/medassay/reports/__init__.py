"""From records to papers: the report's JSON record, its HTML and PDF views in both languages, and `verify`."""
