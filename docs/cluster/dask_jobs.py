"""One script on the login node; dask-jobqueue asks SLURM for its workers."""

from dask.distributed import Client
from dask_jobqueue import SLURMCluster
from scan import scan, simulate

import coma_xr as coma

if __name__ == "__main__":
    workers = {"cores": 4, "processes": 4, "memory": "8GB", "walltime": "08:00:00"}
    with SLURMCluster(**workers) as cluster:
        cluster.adapt(maximum_jobs=10)
        with Client(cluster) as client:
            coma.Experiment("chain").run(simulate, scan, executor=client)
