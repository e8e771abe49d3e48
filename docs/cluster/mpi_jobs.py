"""One job of many MPI processes: `mpiexec -n 8 python -m mpi4py.futures mpi_jobs.py`."""

from mpi4py.futures import MPIPoolExecutor
from scan import scan, simulate

import coma_xr as coma

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        coma.Experiment("chain").run(simulate, scan, executor=executor)
