"""Pure functions on arrays that turn per-subject sufficient statistics into figures with intervals.

One module a family of figures. `ratio` and `bootstrap_figure` resample people; `proportion`,
`proportion_difference`, `paired_proportions` and `rao_scott` are closed intervals of shares; `delong`,
`clustered_roc`, `roc`, `precision_recall`, `confusion`, `multiclass` and `calibration` are classification;
`agreement`, `multirater_kappa` and `intraclass` are readers; `noninferiority` judges a difference by its interval.
A public function that is a test method says so beside itself (`medassay.core.method`).
"""
