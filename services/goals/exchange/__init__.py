"""Plans as they are taken out of Cairn and brought in again: one format, as JSON and as CSV.

    plan          the format, and how the states of a cycle are told in it
    findings      what is wrong or worth knowing about a plan that was sent, place by place
    reading       a document to a plan, with all findings that need no state
    identity      ids that follow from keys, so that the same plan makes nothing twice
    cells         what stands in one cell: text, numbers, days, lists
    columns       the columns of a plan as CSV
    table         CSV text to rows and back
    writing       a plan as CSV
    mapping       how other tools' columns, values and numbers are read
    presets       mappings for files that other tools document
    mapped        CSV rows to a plan's document, by a mapping
    sent          which of these a request has
    errors        why a plan is not taken in, or not given out

Everything here is pure.
"""
