"""The same FedAvg rounds by fal and by each peer: ``peers.py`` runs this in processes of their own.

Every function of ``PEERS`` trains ``work.rounds`` rounds by its framework's own loop on one thread
and calls ``tick`` after each round. What is the same for all: network, images, clients, epochs,
batches, SGD. Peers get their images as float32 tensors that are normalized and never mirrored,
which is less work than fal does: it takes uint8 and mirrors at random. Where a framework can do
without evaluation, logs or files, it does.

    python benchmarks/peer_rounds.py NAME --rounds 3 [--source FOLDER]
"""

import argparse
import contextlib
import copy
import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import plain
import psutil
import torch
import workload
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

EPOCHS = 5
BATCH = 64
IMAGES = 256  # of a client: whole batches, as some peers drop the rest
SGD = {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-5}


@dataclass(frozen=True)
class Work:
    """clients of ``IMAGES`` images each train for ``rounds``; source: folder of a peer's code."""

    rounds: int
    clients: int
    source: Path | None = None

    @property
    def samples(self) -> int:
        """Of one round."""
        return self.clients * IMAGES * EPOCHS


@functools.cache
def images(clients: int) -> tuple[Tensor, Tensor]:
    """Normalized float32 [clients * IMAGES, 3, 32, 32] and labels."""
    pixels, labels = workload.noisy_digits(clients * IMAGES)
    points = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float() / 255
    return (points - 0.5) / 0.25, torch.from_numpy(labels)


def client_images(work_clients: int, client: int) -> Dataset:
    own = slice(client * IMAGES, (client + 1) * IMAGES)
    return TensorDataset(*(part[own] for part in images(work_clients)))


class Net(plain.CNN):
    """The network; its output is the logits alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[0]


def fal(work: Work, tick: Callable[[], None]) -> None:
    from fal.data.images import Images
    from fal.federated import algorithms, models
    from fal.federated.options import LocalTraining
    from fal.memory import keep_freed_memory

    keep_freed_memory()  # as every job does
    pixels, labels = workload.noisy_digits(work.clients * IMAGES)
    data = Images(torch.from_numpy(pixels), [0.5] * 3, [0.25] * 3, flip=True)
    examples = torch.arange(len(labels)).split(IMAGES)
    local = LocalTraining(epochs=EPOCHS)
    cohort = workload.make_cohort(data, torch.from_numpy(labels), examples, local)
    algorithm = algorithms.create("fedavg")
    state = algorithm.init(models.read(cohort.stacks.fresh(1, 0)), work.clients)
    for index in range(work.rounds):
        state, _ = algorithm.apply(state, cohort, range(work.clients), index, SGD["lr"])
        tick()


def plain_loop(work: Work, tick: Callable[[], None]) -> None:
    net = plain.CNN(workload.CLASSES)
    data = TensorDataset(*images(work.clients))
    examples = torch.arange(len(data)).view(work.clients, IMAGES).tolist()
    for _ in range(work.rounds):
        plain.fedavg_round(net, data, examples, EPOCHS, "cpu")
        tick()


def flower(work: Work, tick: Callable[[], None]) -> None:
    """Its simulation with one worker process; the training loop of its PyTorch quickstart."""
    from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation

    client_app, server_app, clients = ClientApp(), ServerApp(), work.clients
    trained: list[int] = []

    @client_app.train()
    def train(message: Message, context: Context) -> Message:
        torch.set_num_threads(1)
        net = Net(workload.CLASSES)
        net.load_state_dict(message.content["arrays"].to_torch_state_dict())
        own = client_images(clients, int(context.node_config["partition-id"]))
        loader = DataLoader(own, batch_size=BATCH, shuffle=True)
        criterion = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(net.parameters(), **SGD)
        net.train()
        running_loss = 0.0
        for _ in range(EPOCHS):
            for batch, labels in loader:
                optimizer.zero_grad()
                loss = criterion(net(batch), labels)
                loss.backward()
                optimizer.step()
                running_loss += loss.item()
        metrics = MetricRecord({"train_loss": running_loss, "num-examples": len(own)})
        content = RecordDict({"arrays": ArrayRecord(net.state_dict()), "metrics": metrics})
        return Message(content=content, reply_to=message)

    @server_app.main()
    def main(grid: Grid, context: Context) -> None:
        def after_round(index: int, arrays: ArrayRecord) -> None:
            if index:
                tick()

        result = FedAvg(fraction_evaluate=0.0).start(
            grid=grid,
            initial_arrays=ArrayRecord(Net(workload.CLASSES).state_dict()),
            num_rounds=work.rounds,
            evaluate_fn=after_round,
        )
        trained.extend(result.train_metrics_clientapp)

    backend = {"init_args": {"num_cpus": 1}, "client_resources": {"num_cpus": 1}}
    run_simulation(server_app, client_app, work.clients, backend_config=backend)
    if len(trained) != work.rounds:
        raise RuntimeError(f"clients trained in {len(trained)} rounds of {work.rounds}")


def fedlab(work: Work, tick: Callable[[], None]) -> None:
    """Its stand-alone pipeline, clients in turn."""
    from fedlab.contrib.algorithm.fedavg import FedAvgSerialClientTrainer, FedAvgServerHandler
    from fedlab.contrib.dataset.basic_dataset import FedDataset
    from fedlab.core.standalone import StandalonePipeline

    class Clients(FedDataset):
        def get_dataloader(self, id, batch_size, type="train"):
            return DataLoader(client_images(work.clients, id), batch_size, shuffle=True)

    class Pipeline(StandalonePipeline):
        def evaluate(self):
            tick()

    net = Net(workload.CLASSES)
    trainer = FedAvgSerialClientTrainer(copy.deepcopy(net), work.clients)
    trainer.setup_dataset(Clients())
    trainer.setup_optim(EPOCHS, BATCH, SGD["lr"])
    trainer.optimizer = torch.optim.SGD(trainer.model.parameters(), **SGD)
    Pipeline(FedAvgServerHandler(net, work.rounds, 1.0), trainer).main()


def fluke(work: Work, tick: Callable[[], None]) -> None:
    from fluke import FlukeENV
    from fluke.algorithms.fedavg import FedAVG
    from fluke.client import Client
    from fluke.config import OptimizerConfigurator
    from fluke.data import FastDataLoader
    from fluke.server import Server
    from fluke.utils import FederationObserver

    class Rounds(FederationObserver):
        def end_round(self, round):
            tick()

    def client(index: int) -> Client:
        tensors = client_images(work.clients, index).tensors
        loader = FastDataLoader(*tensors, num_labels=10, batch_size=BATCH, shuffle=True)
        optimizer = OptimizerConfigurator({"name": "SGD", **SGD})
        return Client(index, loader, None, optimizer, nn.CrossEntropyLoss(), local_epochs=EPOCHS)

    FlukeENV().set_eval_cfg(server=False)
    clients = [client(index) for index in range(work.clients)]
    server = Server(Net(workload.CLASSES), None, clients, weighted=True)
    algorithm = FedAVG(work.clients, None, None, clients=clients, server=server)
    algorithm.set_callbacks(Rounds())
    algorithm.run(work.rounds, 1.0)


def pfllib(work: Work, tick: Callable[[], None]) -> None:
    """The round of its FedAvg server without the evaluation that it begins with."""
    sys.path.insert(0, str(work.source / "system"))
    from flcore.clients import clientbase
    from flcore.servers import serverbase
    from flcore.servers.serveravg import FedAvg

    def read_client_data(dataset, client, is_train=True, few_shot=0):
        return data[client]

    data = [list(client_images(work.clients, client)) for client in range(work.clients)]
    clientbase.read_client_data = serverbase.read_client_data = read_client_data
    numbers = (
        *("client_drop_rate", "train_slow_rate", "send_slow_rate", "few_shot", "top_cnt"),
        *(
            "num_new_clients",
            "fine_tuning_epoch_new",
            "eval_gap",
            "dlg_gap",
            "batch_num_per_client",
        ),
    )
    switches = ("random_join_ratio", "time_select", "auto_break", "dlg_eval", "learning_rate_decay")
    names = ("algorithm", "dataset", "goal", "save_folder_name")
    options = SimpleNamespace(
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(switches, False),
        **dict.fromkeys(names, "benchmark"),
        model=Net(workload.CLASSES),
        device="cpu",
        num_classes=workload.CLASSES,
        num_clients=work.clients,
        global_rounds=work.rounds,
        local_epochs=EPOCHS,
        batch_size=BATCH,
        local_learning_rate=SGD["lr"],
        learning_rate_decay_gamma=1.0,
        join_ratio=1.0,
        time_threthold=float("inf"),
    )
    server = FedAvg(options, 0)
    for client in server.clients:
        client.optimizer = torch.optim.SGD(client.model.parameters(), **SGD)
    for _ in range(work.rounds):
        server.selected_clients = server.select_clients()
        server.send_models()
        for client in server.selected_clients:
            client.train()
        server.receive_models()
        server.aggregate_parameters()
        tick()


def ifal_authors(work: Work, tick: Callable[[], None]) -> None:
    """The round of ``train_test`` in main.py of IFAL's authors, without its evaluation."""
    sys.path.insert(0, str(work.source))
    from fl_methods.fedavg import FedAvg

    data = TensorDataset(*images(work.clients))
    examples = dict(enumerate(torch.arange(len(data)).view(work.clients, IMAGES).tolist()))
    options = SimpleNamespace(dataset="cifar10", device="cpu", local_ep=EPOCHS, local_bs=BATCH)
    method = FedAvg(options, examples)
    net = plain.CNN(workload.CLASSES)
    for _ in range(work.rounds):
        average = None
        method.on_round_start(net_glob=net)
        for client in range(work.clients):
            method.on_user_iter_start(data, client)
            local = copy.deepcopy(net)
            weights, _ = method.train(net=local, user_idx=client, **SGD)
            method.on_user_iter_end()
            average = method.aggregate(average, weights, client, len(data))
        method.on_round_end(range(work.clients))
        net.load_state_dict(average, strict=False)
        tick()


PEERS: dict[str, Callable[[Work, Callable[[], None]], None]] = {
    "fal": fal,
    "plain": plain_loop,
    "flower": flower,
    "fedlab": fedlab,
    "fluke": fluke,
    "pfllib": pfllib,
    "ifal-authors": ifal_authors,
}


def cpu_seconds() -> float:
    """Of this process and of all that it has started and that still run."""
    process = psutil.Process()
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def samples_per_second(name: str, work: Work) -> float:
    """Samples per CPU second over all rounds but the first, which warms up."""
    ticks: list[float] = []
    PEERS[name](work, lambda: ticks.append(cpu_seconds()))
    if len(ticks) != work.rounds:
        raise RuntimeError(f"{name} told of {len(ticks)} rounds, not of {work.rounds}")
    return work.samples * (work.rounds - 1) / (ticks[-1] - ticks[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--rounds", type=int, default=3, help="at least 2 (3)")
    parser.add_argument("--clients", type=int, default=4, help="(4)")
    parser.add_argument("--source", type=Path, help="folder of the peer's code, of some peers")
    arguments = parser.parse_args()
    answer = os.dup(1)
    os.dup2(2, 1)  # what the frameworks print
    torch.set_num_threads(1)
    work = Work(arguments.rounds, arguments.clients, arguments.source)
    rate = samples_per_second(arguments.name, work)
    os.write(answer, json.dumps({"rate": rate}).encode())


if __name__ == "__main__":
    # Flower's worker processes know functions by the modules that they are in.
    import peer_rounds

    peer_rounds.main()
