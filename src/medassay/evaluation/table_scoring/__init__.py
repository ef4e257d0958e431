"""From the two tables of a test to its figures, one module a task.

Each module gives the doors of `TableScorer` in `medassay.evaluation.table_scorer`.
"""
