"""Made-up provenance records with what steps have cost."""

import json

RUN = "runs/digits/alpha-0.1/clients-{clients}/seed-{seed}/cnn/fedavg/{strategy}/cycle-{cycle}"


def cost_records(folder, clients=(3, 4), seeds=(1, 2)):
    """Files of records: trainings of three rounds with two participants, and queries."""
    files = []
    for n in clients:
        for seed in seeds:
            for strategy, cycle in (("initial", 0), ("ifal", 1)):
                at = folder / RUN.format(clients=n, seed=seed, strategy=strategy, cycle=cycle)
                at.mkdir(parents=True)
                training = {
                    "script": "train_cycle",
                    "seconds": 10.0 * n + seed + cycle,
                    "peak_memory_mb": 700,
                    "rounds": 3,
                    "participants": 2,
                    "bytes_per_participant": {"down": 2_000_000, "up": 1_000_000},
                }
                query = {"script": "query_clients", "seconds": 1.5 + seed, "peak_memory_mb": 160}
                for name, record in (("provenance", training), ("query_provenance", query)):
                    files.append(at / f"{name}.json")
                    files[-1].write_text(json.dumps(record))
    return files
