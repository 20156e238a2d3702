"""The use cases of the goals service: each loads, asks the domain, records what it decided.

    cycles        plan, revise, activate, score, close and reopen them
    objectives    draft, revise, hand over, propose, approve, activate, score, carry over, discuss
    key_results   define and redefine them, check in and put check-ins right, link them to KPIs
    alignments    align objectives, one or many, realign and unalign them
    exchange      bring whole plans in
    measuring     what KPIs say, recorded by the follower of the metrics
    reviews       open them, find causes, act, close

All of them run in the writer's thread inside the append transaction, so that what they read is
exact and what they record is recorded together. Each docstring begins with the events that the
use case leads to. Each also raises AggregateNotFoundError for an id that names nothing; those
that take a `Change` raise StaleVersionError when it was made for another version, NotOwnerError or
AdminRequiredError when its author has no right to it, and CycleLockedError when the cycle is
closed and no reason is given.
"""
