"""How files become samples, one module a kind of data.

Each module gives the three doors of `Intake`:

`assemble(files, source)`
    Recognise by content, group into drafts. Every file ends in exactly one draft or in `unassigned` with its
    reason; raises nothing for bad data.
`take_in(draft, names, source)`
    Read the draft's bytes once, in memory: de-identify, measure, describe. Raises `Refused` when the sample
    cannot enter.
`prove(taken, source)`
    Re-read the de-identified objects by another route than `take_in` wrote them, and give a finding for
    everything that may identify: anything outside the allow-list fails.

and the table `COLUMNS` of its measurements: name to (unit, what it is).
"""
