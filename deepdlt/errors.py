"""The root of every error that deepdlt raises on purpose."""


class DeepdltError(Exception):
    """Something about the data or the request is wrong, and the message says what to do.

    Children are events (`ImageUnreadable`, `SheetMissing`); each keeps its evidence as attributes
    and composes its sentence once, in its constructor.
    """
