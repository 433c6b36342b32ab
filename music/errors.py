"""The error that users see as one line, without a traceback."""


class InputError(ValueError):
    """Input that cannot be used. The message says in one line what is wrong and what to do about it."""
