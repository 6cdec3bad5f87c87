"""What the training benchmark measures: each piece of work as fal and as the plain loop do it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plain
import torch
from torch.nn.functional import conv2d
from torch.utils.data import Subset

from fal.data import kinds
from fal.data.images import Images
from fal.federated import algorithms, evaluation, models, networks
from fal.federated.cohort import Cohort, lockstep_width
from fal.federated.distillation import distill
from fal.federated.models import Stacks
from fal.federated.options import Distillation, LocalTraining, Precision
from fal.query import strategies
from fal.query.pool import Pool

CLASSES = 10
LABELED = 250
BUDGET = 250
EPOCHS = 5
DISTILLATION_EPOCHS = 10
EXTRACTED = 5000
EVALUATED = 10_000
CONVOLUTIONS = 200
CONVOLUTION_GFLOP = 2 * 64 * 16**2 * 64 * 64 * 3**2 / 1e9  # of a batch of 64 images


@dataclass(frozen=True)
class Options:
    """device: cpu or cuda. samples: labeled images of all clients. unlabeled: of the query."""

    device: str
    samples: int
    unlabeled: int

    def clients(self, size: int) -> int:
        """How many clients of ``size`` labeled images there are."""
        return max(1, self.samples // size)


class Workload:
    """Scanned digits with noise, networks that know a little of them, the same for both sides.

    Methods named fast_* are fal's, plain_* the plain loop's.
    """

    def __init__(self, options: Options, threads: int):
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = False
        self.options, self.device = options, torch.device(options.device)
        size = max(EVALUATED, options.samples, LABELED + options.unlabeled)
        pixels, labels = noisy_digits(size)
        self.labels = torch.from_numpy(labels).to(self.device)
        tensor = torch.from_numpy(pixels).to(self.device)
        self.images = Images(tensor, [0.5] * 3, [0.25] * 3, flip=True)
        self.nets = [self.trained_net(seed) for seed in range(3)]
        self.plain_train = plain.ImageDataset(pixels, labels, train=True)
        self.plain_test = plain.ImageDataset(pixels, labels, train=False)
        self.plain_nets = [plain_copy(net) for net in self.nets]
        self.batch = torch.randn(64, 64, 16, 16, device=self.device)
        self.batch = self.batch.to(memory_format=torch.channels_last)
        self.kernel = torch.randn(64, 64, 3, 3, device=self.device)

    def trained_net(self, seed: int) -> models.Classifier:
        """A network after one epoch on ``LABELED`` images, other ones for each seed."""
        examples = torch.arange(LABELED * seed, LABELED * (seed + 1), device=self.device)
        cohort = make_cohort(self.images, self.labels, [examples], LocalTraining())
        net = cohort.stacks.fresh(1, seed)
        return models.write(net, cohort.train(models.read(net), [0], 0, 0.01)[0])

    def run(self, name: str) -> None:
        """Do a piece of work, given as method or as method:argument, to its end."""
        method, *arguments = name.split(":")
        getattr(self, method)(*arguments)
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    @torch.no_grad()
    def convolution(self) -> None:
        """The network's largest one: its second, forward, on batches of 64."""
        for _ in range(CONVOLUTIONS):
            conv2d(self.batch, self.kernel, padding=1)

    def cohort(self, size: int, precision: Precision = "float32") -> Cohort:
        clients = self.options.clients(size)
        examples = torch.arange(clients * size, device=self.device).split(size)
        local = LocalTraining(epochs=EPOCHS, precision=precision)
        return make_cohort(self.images, self.labels, examples, local)

    def fast_round(self, size: str, precision: Precision = "float32") -> None:
        clients = self.options.clients(int(size))
        algorithm = algorithms.create("fedavg")
        state = algorithm.init(models.read(self.nets[0]), clients)
        algorithm.apply(state, self.cohort(int(size), precision), range(clients), 0, 0.01)

    def plain_round(self, size: str) -> None:
        clients = self.options.clients(int(size))
        examples = np.arange(clients * int(size)).reshape(clients, -1).tolist()
        plain.fedavg_round(self.plain_nets[0], self.plain_train, examples, EPOCHS, self.device)

    def fast_features(self) -> None:
        index = torch.arange(EXTRACTED, device=self.device)
        evaluation.outputs(self.nets[0], self.images, index).logits.softmax(1)

    def plain_features(self) -> None:
        plain.outputs(self.plain_nets[0], Subset(self.plain_test, range(EXTRACTED)), self.device)

    def fast_query(self) -> None:
        total = LABELED + self.options.unlabeled
        index = torch.arange(total, device=self.device)
        outputs = [evaluation.outputs(net, self.images, index) for net in self.nets]
        pool = Pool(
            client=0,
            cycle=0,
            num_classes=CLASSES,
            index=np.arange(LABELED, total),
            labels=self.labels[:LABELED].cpu().numpy(),
            outputs=dict(zip(("global", "local", "kd"), outputs, strict=True)),
        )
        strategy = strategies.create("ifal")
        strategy.select(pool, strategy.score(pool), BUDGET, seed=0)

    def plain_query(self) -> None:
        images = Subset(self.plain_test, range(LABELED + self.options.unlabeled))
        labels = self.labels[:LABELED].cpu().numpy()
        plain.ifal_query(self.plain_nets, images, labels, BUDGET, self.device)

    def fast_distillation(self) -> None:
        options = Distillation(epochs=DISTILLATION_EPOCHS)
        clients = range(self.options.clients(LABELED))
        distill(self.cohort(LABELED), models.read(self.nets[0]), clients, options)

    def plain_distillation(self) -> None:
        for k in range(self.options.clients(LABELED)):
            examples = Subset(self.plain_train, range(LABELED * k, LABELED * (k + 1)))
            student = plain.CNN(CLASSES).to(self.device)
            teacher = self.plain_nets[0]
            plain.distill(teacher, student, examples, DISTILLATION_EPOCHS, self.device)

    def fast_evaluation(self) -> None:
        index = slice(EVALUATED)
        images = replace(self.images, pixels=self.images.pixels[index])
        net = self.nets[0]
        evaluation.accuracy(net, models.read(net), images, self.labels[index])

    def plain_evaluation(self) -> None:
        plain.accuracy(self.plain_nets[0], Subset(self.plain_test, range(EVALUATED)), self.device)


def make_cohort(
    images: Images,
    labels: torch.Tensor,
    examples: Sequence[torch.Tensor],
    local: LocalTraining,
) -> Cohort:
    """Clients with these labeled examples that train the paper's network."""
    network = networks.create("cnn")

    def build(stack: int, seed: int) -> models.Classifier:
        return models.build(network, images.shape, CLASSES, seed, stack)

    return Cohort(
        stacks=Stacks(build, images.device),
        images=images,
        labels=labels,
        examples=examples,
        local=local,
        seed=0,
        cycle=0,
        lockstep=lockstep_width(images),
    )


def plain_copy(net: models.Classifier) -> plain.CNN:
    """The plain network with the weights of ``net``: the same layers in the same order."""
    copy = plain.CNN(CLASSES)
    copy.load_state_dict(dict(zip(copy.state_dict(), net.state_dict().values(), strict=True)))
    return copy.to(net.head.weight.device)


def noisy_digits(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [size, 32, 32, 3] and labels int64 [size]: scikit-learn's digits in color."""
    digits = kinds.create("digits", image_size=32).load("digits")
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(digits.train_labels), size=size)
    color = rng.random((size, 1, 1, 3), dtype=np.float32)
    noise = rng.integers(0, 96, (size, 32, 32, 3), dtype=np.uint8)
    pixels = digits.train_images[chosen] * color * 0.6
    return pixels.astype(np.uint8) + noise, digits.train_labels[chosen]
