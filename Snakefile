"""Federated active learning: from images to accuracy curves."""

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/prepare.smk"
include: "rules/train.smk"
include: "rules/query.smk"
include: "rules/results.smk"


rule all:
    default_target: True
    input:
        f"{R}/report.html",
    localrule: True
    message:
        "Tables, figures and {input} are ready"


rule results:
    input:
        all_tables(),
        all_figures(),
    localrule: True
    message:
        "All tables and figures are ready"


rule report:
    input:
        rules.results.input,
    output:
        f"{R}/report.html",
    log:
        "logs/report.log",
    conda:
        "envs/fal.yaml"
    params:
        snakefile=workflow.snakefile,
    message:
        "Write the report {output}"
    script:
        "workflow_scripts/write_report.py"
