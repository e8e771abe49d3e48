"""One script inside of a SLURM allocation; executorlib starts its job steps."""

from executorlib import SlurmJobExecutor
from scan import scan, simulate

import coma_xr as coma

if __name__ == "__main__":
    with SlurmJobExecutor(max_workers=8, block_allocation=True) as executor:
        coma.Experiment("chain").run(simulate, scan, executor=executor)
