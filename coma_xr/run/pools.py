"""Who computes: this process, worker processes of our own, or the executor of somebody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from coma_xr.errors import ParameterError

if TYPE_CHECKING:
    from coma_xr.run.pool import Pool
    from coma_xr.run.worker import Work

__all__ = ["check", "pool_of", "workers_of"]


def check(executor: Any, timeout: float | None) -> None:
    """Raise ParameterError when an executor cannot be used, or not with a timeout."""
    if executor is None:
        return
    if timeout is not None:
        raise ParameterError(
            "timeout= works with the worker processes of coma_xr, which can be killed, and not with executor=.",
            ways=["Set the limit in the executor, or use max_workers=."],
        )
    from coma_xr.run.executors import executor_of

    executor_of(executor)


def check_sendable(work: Work, max_workers: int | None, executor: Any, timeout: float | None) -> None:
    """Raise SerializationError when workers are asked for and the function cannot be sent to another process."""
    if isinstance(executor, ThreadPoolExecutor) or (
        executor is None and max_workers == 1 and timeout is None
    ):
        return
    from coma_xr.run import remote

    remote.pack(work)


def workers_of(max_workers: int | None, executor: Any) -> int:
    """Return how many workers a run would have."""
    if executor is not None:
        from coma_xr.run.executors import capacity

        return capacity(executor)
    if max_workers is None:
        from coma_xr.run.workers import cores

        return cores()
    return max_workers


def pool_of(
    work: Work, number: int, *, max_workers: int | None, executor: Any, timeout: float | None
) -> Pool | None:
    """Return who computes; None for this process itself.

    Raises
    ------
    SerializationError
        When the function cannot be sent to another process.
    """
    if executor is not None:
        from coma_xr.run.executors import foreign_pool

        return foreign_pool(work, executor, None if max_workers == 1 else max_workers)
    if not number or (max_workers == 1 and timeout is None):
        return None
    from coma_xr.run.workers import cores, own_pool

    max_workers = cores() if max_workers is None else max_workers
    return own_pool(work, min(max_workers, number), timeout)
