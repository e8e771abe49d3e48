"""One job of a job array: every n-th parameter set of the scan."""

import os

from scan import scan, simulate

import coma_xr as coma

JOBS = 4  # as in --array=0-3

number = int(os.environ["SLURM_ARRAY_TASK_ID"])
cores = int(os.environ.get("SLURM_CPUS_PER_TASK", "1"))

e = coma.Experiment("chain")
report = e.run(simulate, scan, shard=(number, JOBS), max_workers=cores)
report.check()  # the job fails if one of its parameter sets failed
