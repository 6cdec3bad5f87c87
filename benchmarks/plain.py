"""Federated active learning as most repositories write it: what the benchmarks compare with.

PIL images behind a DataLoader, one client after another, contiguous float32, in the query one image
at a time, one example at a time in the structural probabilities. It shares no code with ``fal``.
"""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.stats import wasserstein_distance
from skimage.filters import threshold_otsu
from sklearn.cluster import KMeans
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms


class ImageDataset(Dataset):
    """Images uint8 [N, H, W, 3] as PIL images, transformed one by one."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, train: bool):
        self.images = [Image.fromarray(image) for image in images]
        self.labels = labels.tolist()
        normalize = [transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.25] * 3)]
        augment = [transforms.RandomHorizontalFlip()] if train else []
        self.transform = transforms.Compose(augment + normalize)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.labels[index]


class CNN(nn.Module):
    """4 x [conv3x3(64) - batch norm - ReLU - max pool] and a linear layer."""

    def __init__(self, num_classes: int):
        super().__init__()
        layers = []
        for channels in (3, 64, 64, 64):
            layers += [nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64)]
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
        self.backbone = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(256, num_classes)

    def forward(self, x):
        features = self.backbone(x)
        return self.head(features), features


def sgd(net):
    return torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-5)


def train_client(net, dataset, epochs, device):
    loader = DataLoader(dataset, batch_size=64, shuffle=True)
    optimizer = sgd(net)
    net.train()
    for _ in range(epochs):
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images)[0], labels)
            loss.backward()
            optimizer.step()


def fedavg_round(net, dataset, clients, epochs, device):
    """Train a copy of ``net`` on each client's examples and return their weighted mean."""
    states, sizes = [], []
    for examples in clients:
        local = copy.deepcopy(net)
        train_client(local, Subset(dataset, examples), epochs, device)
        states.append(local.state_dict())
        sizes.append(len(examples))
    average = copy.deepcopy(states[0])
    for name in average:
        average[name] = sum(
            state[name] * (size / sum(sizes)) for state, size in zip(states, sizes, strict=True)
        )
    net.load_state_dict(average)


@torch.no_grad()
def accuracy(net, dataset, device):
    net.eval()
    correct = 0
    for images, labels in DataLoader(dataset, batch_size=128):
        logits, _ = net(images.to(device))
        correct += (logits.argmax(1) == labels.to(device)).sum().item()
    return 100 * correct / len(dataset)


@torch.no_grad()
def outputs(net, dataset, device):
    """Features [n, D] and softmax outputs [n, C], one image at a time."""
    net.eval()
    features, probabilities = [], []
    for image, _ in DataLoader(dataset, batch_size=1):
        logits, feature = net(image.to(device))
        features.append(feature.cpu())
        probabilities.append(logits.softmax(1).cpu())
    return torch.cat(features).numpy(), torch.cat(probabilities).numpy()


def distill(teacher, net, dataset, epochs, device, weight=0.9, temperature=4.0):
    loader = DataLoader(dataset, batch_size=64, shuffle=True)
    optimizer = sgd(net)
    teacher.eval()
    net.train()
    for _ in range(epochs):
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            with torch.no_grad():
                soft = (teacher(images)[0] / temperature).softmax(1)
            logits = net(images)[0]
            kl = F.kl_div((logits / temperature).log_softmax(1), soft, reduction="batchmean")
            loss = (1 - weight) * F.cross_entropy(logits, labels) + weight * temperature**2 * kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def structural_probabilities(features, labels, known, num_classes, k):
    """Class shares of the arrows [U, C]; the first ``known`` of the examples are labeled."""
    normal = features / np.linalg.norm(features, axis=1, keepdims=True)
    counts = np.ones((len(features) - known, num_classes))
    for i in range(len(features)):
        distance = 1 - normal[known:] @ normal[i]
        if i >= known:
            distance[i - known] = np.inf
        for j in np.argsort(distance)[:k]:
            counts[j, labels[i]] += 1
    return counts / counts.sum(1, keepdims=True)


def row_distances(p, q):
    return np.array([wasserstein_distance(a, b) for a, b in zip(p, q, strict=True)])


def ifal_query(nets, dataset, labels, budget, device, k=250):
    """Examples to query; nets: global, local, distilled; the first images are the labeled ones."""
    known, num_classes = len(labels), nets[0].head.out_features
    views = [outputs(net, dataset, device) for net in nets]
    pseudo = [np.concatenate([labels, p[known:].argmax(1)]) for _, p in views]
    shared = [structural_probabilities(f, pseudo[0], known, num_classes, k) for f, _ in views]
    own = structural_probabilities(views[1][0], pseudo[1], known, num_classes, k)
    d_local, d_global = row_distances(shared[1], shared[2]), row_distances(shared[0], shared[2])
    ratio = np.maximum(d_local / (d_global + 1e-5), d_global / (d_local + 1e-5))
    score = (d_local + d_global) * ratio * row_distances(views[1][1][known:], own)
    candidates = np.flatnonzero(score > threshold_otsu(score))
    if len(candidates) < budget:
        candidates = np.argsort(-score)[:budget]
    points = views[1][0][known:][candidates]
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    centers = KMeans(budget, n_init=1, random_state=0).fit(points).cluster_centers_
    return [candidates[((points - center) ** 2).sum(1).argmin()] for center in centers]
