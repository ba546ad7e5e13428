"""What the package computes with: how many threads (results never depend on it), which instructions."""

from __future__ import annotations

from types import TracebackType

from . import _core


class set_threads:  # noqa: N801 - called like a function
    """Set the number of threads, for good or for the body of a ``with`` statement.

    Parameters
    ----------
    count
        Number of threads; 0 returns to the default, which respects CPU affinity and ``OMP_NUM_THREADS``.

    Raises
    ------
    InputError
        If `count` is negative.

    Notes
    -----
    The setting belongs to the process. After ``fork``, a child whose parent had already computed on several
    threads works on one: the parent's threads do not exist there.

    Examples
    --------
    >>> import lookalike as la
    >>> la.set_threads(0)
    set_threads(0)
    >>> with la.set_threads(1):
    ...     la.get_threads()
    1
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._previous = _core.requested_threads()
        _core.set_threads(count)

    def __enter__(self) -> set_threads:
        _core.set_threads(self._count)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _core.set_threads(self._previous)

    def __repr__(self) -> str:
        return f"set_threads({self._count})"


def get_threads() -> int:
    """Return the number of threads that the next call will use."""
    return _core.threads()


def get_instruction_set() -> str:
    """Return what the kernels in use were compiled for: ``avx2_fma``, ``sse2``, ``neon`` and so on.

    A package that was compiled for several kinds of processors chooses at import. The environment variable
    ``LOOKALIKE_PROCESSOR`` (``x86_64_v3``, or anything else for the kernels that run everywhere) sets a limit.
    Results differ between instruction sets in their last digits.
    """
    return _core.instruction_set
