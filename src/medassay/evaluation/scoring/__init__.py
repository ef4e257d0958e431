"""From files to sufficient statistics, one module a task.

Each module gives the doors of `Scorer` in `medassay.evaluation.scorer`.
"""
