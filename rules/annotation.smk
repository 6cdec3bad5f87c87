# People as the oracle: tasks for them, and their answers.


rule write_tasks:
    input:
        dataset=layout.data("dataset.json"),
        images=layout.data("train_images.npy"),
        query=layout.cycle("query.csv"),
    output:
        tasks=layout.cycle("tasks.json"),
    log:
        layout.log("write_tasks", "cycle"),
    conda:
        "../envs/fal.yaml"
    params:
        name=task_name,
        oracle=settings.oracle,
    message:
        "Write tasks for people: what {wildcards.strategy} queried after cycle {wildcards.cycle}"
    script:
        "../workflow_scripts/write_tasks.py"


rule read_answers:
    input:
        dataset=layout.data("dataset.json"),
        partition=layout.partition("partition.npz"),
        query=layout.cycle("query.csv"),
        labeled=labeled_file,
        tasks=layout.cycle("tasks.json"),
        answers=answers_input(asked_after),
    output:
        labeled=layout.cycle("labeled.npz"),
        provenance=layout.cycle("answers_provenance.json"),
    log:
        layout.log("read_answers", "cycle"),
    conda:
        "../envs/fal.yaml"
    params:
        given=answers_param(asked_after),
    message:
        "Read the answers to what {wildcards.strategy} queried after cycle {wildcards.cycle}"
    script:
        "../workflow_scripts/read_answers.py"


use rule write_tasks as write_initial_tasks with:
    input:
        dataset=layout.data("dataset.json"),
        images=layout.data("train_images.npy"),
        query=layout.partition("initial_query.csv"),
    output:
        tasks=layout.partition("initial_tasks.json"),
    log:
        layout.log("write_initial_tasks", "partition"),
    params:
        name=initial_task_name,
        oracle=settings.oracle,
    message:
        "Write tasks for people: the first images"


use rule read_answers as read_initial_answers with:
    input:
        dataset=layout.data("dataset.json"),
        partition=layout.partition("partition.npz"),
        query=layout.partition("initial_query.csv"),
        tasks=layout.partition("initial_tasks.json"),
        answers=answers_input(first_asked),
    output:
        labeled=layout.partition("initial.npz"),
        provenance=layout.partition("initial_answers_provenance.json"),
    log:
        layout.log("read_initial_answers", "partition"),
    params:
        given=answers_param(first_asked),
    message:
        "Read the answers about the first images"
