"""The dispatcher: who has which physical processor, in windows of 10 ms.

`dispatcher` is the whole; `members` what it knows of partitions, pools and processors, `plan` whom
it puts on which core at the start of a slice, `lanes` what then happens there, tick by tick,
`schedule` what of it is recorded.  It knows its virtual processors by `records.Runnable` alone.
"""
