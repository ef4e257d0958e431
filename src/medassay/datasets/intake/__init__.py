"""How files become samples, one module a kind of data.

Each module gives the four doors of `Intake`:

`look(file, source)`
    Recognise one file by its content; give what grouping needs of it, or the finding that leaves it out. It hangs on
    this file alone, can be pickled, and is remembered as long as the file does not change.
`assemble(files, source, look)`
    Group into drafts by what `look` gave of each file. Every file ends in exactly one draft or in `unassigned` with
    its reason; raises nothing for bad data.
`take_in(draft, names, source)`
    Read the draft's bytes once, in memory: de-identify, measure, describe. Raises `Refused` when the sample
    cannot enter.
`prove(taken, source)`
    Re-read the de-identified objects by another route than `take_in` wrote them, and give a finding for
    everything that may identify: anything outside the allow-list fails.

the table `COLUMNS` of its measurements, name to (unit, what it is), and `LIBRARIES`: modules that its readers load at
the first file, which processes that share the work load once, together.
"""
