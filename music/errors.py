"""The one error that users see as a line."""


class InputError(ValueError):
    """Input that cannot be used: the message names it and the way out, in one line."""
