"""Who computes: this process, worker processes of our own, or the executor of somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coma_xr.run.options import RunOptions
    from coma_xr.run.pool import Pool
    from coma_xr.run.worker import Work


def check_sendable(work: Work, options: RunOptions) -> None:
    """Raise SerializationError when workers are asked for and the function cannot be sent to another process."""
    if options.needs_processes:
        from coma_xr.run import remote

        remote.pack(work)


def workers_of(options: RunOptions) -> int:
    """Return how many workers a run would have."""
    if options.executor is not None:
        from coma_xr.run.executors import capacity

        return capacity(options.executor)
    if options.max_workers is None:
        from coma_xr.run.workers import cores

        return cores()
    return options.max_workers


def pool_of(work: Work, number: int, options: RunOptions) -> Pool | None:
    """Return who computes; None for this process itself.

    Raises
    ------
    SerializationError
        When the function cannot be sent to another process.
    """
    if options.executor is not None:
        from coma_xr.run.executors import foreign_pool

        return foreign_pool(work, options.executor, None if options.max_workers == 1 else options.max_workers)
    if not number or not options.needs_processes:
        return None
    from coma_xr.run.workers import own_pool

    # One more than there are parameter sets, for another attempt elsewhere.
    wanted = number + (options.retries > 0)
    return own_pool(work, min(workers_of(options), wanted), options.timeout)
