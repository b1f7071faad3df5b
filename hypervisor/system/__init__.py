"""The managed system: what there is, what each partition is to have of it, and what it has now.

Frozen records in PowerVM's words, and the rules about them; no engine is needed for any of it.
`definition` says what an administrator wrote down, `validation` whether that can be, `allocation`
what a partition gets when it is activated, `capacity_on_demand` and `editions` what is activated
at all.  `share` is what the dispatcher reads.
"""
