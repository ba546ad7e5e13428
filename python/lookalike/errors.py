"""What the package raises on purpose.

Every class derives from :class:`Error`, and from the built-in exception that a caller who does not know this
package would catch. Messages say what was given, what was wanted, and where.
"""

from __future__ import annotations


class Error(Exception):
    """Base of everything the package raises on purpose."""


class InputError(Error, ValueError):
    """A value that cannot be worked with: wrong shape or type, NaN, an empty collection, an empty mask."""


class FileError(Error, OSError):
    """A file or folder that cannot be read or written: missing, truncated, of another kind, protected."""


class Interrupted(Error):  # noqa: N818 - nothing went wrong
    """A long call that stopped because its progress callback returned False; what was committed stays."""


class CompositionError(Error, TypeError):
    """Stages that do not fit together."""
