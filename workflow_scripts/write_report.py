"""Have Snakemake write its HTML report of the results that are there."""

import json
import subprocess
import sys
import tempfile

from fal.job import job

with job(snakemake) as run, tempfile.NamedTemporaryFile("w", suffix=".json") as config:
    json.dump(snakemake.config, config)
    config.flush()
    command = [sys.executable, "-m", "snakemake", "results", "--nolock", "--quiet"]
    command += ["--snakefile", snakemake.params.snakefile, "--configfile", config.name]
    command += ["--report", snakemake.output[0]]
    subprocess.run(command, check=True)
    run.log.info("open %s in a browser; it needs no network", snakemake.output[0])
