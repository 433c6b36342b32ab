"""A local page on which a musician drops a MIDI file, hears it, changes it, hears the change and saves it.

The page asks a server on this machine, which calls the operations of `composer` and gives the same bytes as the command
`musae`. Nothing is written to disk, and no request leaves the machine.
"""
