"""A musician's operations over a trained model: MIDI in, the same MIDI with the change out.

Each operation is a module with a function of its name. It takes values and returns values: bytes of MIDI files, and a
reply that says what was done. `composer.command` is the command `musae`, which reads and writes the files.
"""
