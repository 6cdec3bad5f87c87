"""Federated active learning: from images to accuracy curves."""

from snakemake.utils import min_version

from fal import owner
from fal.federated.checkpoint import forget_finished
from fal.job import check_device
from fal.reporting import status

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/cycles.smk"
include: "rules/people.smk"
include: "rules/runs.smk"
include: "rules/records.smk"


# A partial run looks at what is there and computes nothing.
if not settings.partial:

    include: "rules/prepare.smk"
    include: "rules/train.smk"
    include: "rules/query.smk"

    if ORACLE.asks_people:

        include: "rules/annotation.smk"


include: "rules/tables.smk"
include: "rules/pictures.smk"
include: "rules/figures.smk"
include: "rules/query_figures.smk"
include: "rules/verdicts.smk"
include: "rules/report.smk"


onstart:
    # A partial run looks on while another works on the folder.
    if not settings.partial:
        # The Slurm plugin names all jobs of a run after its run_uuid.
        owner.claim(settings.results, getattr(workflow.scheduler._executor, "run_uuid", ""))
        status.write_planned(settings.results, RUNS)
        if workflow.local_exec:
            check_device(settings.compute.device)
            # It is for submissions; for each that was made it looks at all ready jobs every second.
            workflow.scheduler.job_rate_limiter = None


onsuccess:
    if not settings.partial:
        forget_finished(f"{settings.results}/runs")
    tell_what_waits()


rule all:
    default_target: True
    input:
        [ALL_TABLES, ALL_VERDICTS, ALL_FIGURES, layout.report] if RUNS else [],
        files_of_tasks(),
    localrule: True
    message:
        "Tables, figures and the report are ready"


rule tables:
    input:
        ALL_TABLES,
        ALL_VERDICTS,
    localrule: True
    message:
        "All tables are ready"


rule figures:
    input:
        ALL_FIGURES,
    localrule: True
    message:
        "All figures are ready"
