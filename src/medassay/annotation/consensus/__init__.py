"""How reads of one task are compared and merged, one module a task.

Each module gives:

`agreement(first, second, samples, options) -> dict[str, float]`
    Additive statistics of two reads of one sample (names as the task's scorer uses them).
`figures(statistics) -> dict[str, float | None]`
    Agreement figures of summed statistics, by name; None where undefined. Used for one sample against the
    limits and for the whole dataset in the report.
`merge(first, second, samples, options) -> bytes`
    The reference of two reads that agree within the limits.
`check(reference, samples, options) -> list[Finding]`
    Label checks at the end of annotation: a label outside the image or recording, an unknown class.
`compute(samples, options) -> bytes`
    Only where the reference is computed from the signal itself.

`first`, `second` and the results are label bytes in the form that scoring reads; `samples` maps object names
to the sample's public bytes.
"""
