"""Moving in from swh-deposit: its record and its uploads become ours, under the same numbers.

`moving.move` does it; `source` reads the other database and changes nothing there; `uploads` reads the packages;
`accounts` and `deposits` write here. Every step may be repeated: what is here already and has not changed there is
passed over, so that a run that was cut off, or one after another day of service, takes only the rest.
"""
