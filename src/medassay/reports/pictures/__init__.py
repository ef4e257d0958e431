"""Pictures of single cases from a scorer's excerpt, one module a task: `draw(excerpt, lang) -> SVG bytes`."""
