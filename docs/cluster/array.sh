#!/bin/bash
#SBATCH --job-name=chain
#SBATCH --array=0-3
#SBATCH --cpus-per-task=2
#SBATCH --time=08:00:00
#SBATCH --signal=INT@600

# Ten minutes before the time is over comes a Ctrl-C: what is running is finished
# and kept, nothing more is begun.
srun python job.py
