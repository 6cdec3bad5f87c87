"""IFAL's inconsistencies in loops, over scipy and POT."""

import numpy as np
import ot
from scipy.special import rel_entr
from scipy.stats import wasserstein_distance

K = 7


def cosine(a, b):
    return 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def slow_structure(pool, role, labels_of, smoothing=1.0, k=K):
    """Structural probabilities: each example votes for its k nearest unlabeled ones."""
    everyone = pool.all_features(role).double().numpy()
    unlabeled = everyone[pool.num_labeled :]
    labels = [*pool.labels, *(int(row.argmax()) for row in pool.logits(labels_of))]
    counts = np.zeros((pool.size, pool.num_classes))
    for sender, point in enumerate(everyone):
        others = [i for i in range(pool.size) if i + pool.num_labeled != sender]
        nearest = sorted(others, key=lambda i: cosine(point, unlabeled[i]))[:k]
        for receiver in nearest:
            counts[receiver, labels[sender]] += 1
    counts += smoothing
    empty = counts.sum(1) == 0
    counts[empty] = 1
    return counts / counts.sum(1, keepdims=True)


def prototype_costs(pool):
    """Cosine distances between mean features of the local model's classes."""
    features = pool.all_features("local").double().numpy()
    labels = np.array([*pool.labels, *pool.logits("local").argmax(1).tolist()])
    means = [features[labels == c].mean(0) for c in range(pool.num_classes)]
    return np.array([[0 if a is b else cosine(a, b) for a in means] for b in means])


def slow_distance(pool, divergence, ground):
    classes = np.arange(pool.num_classes)
    if divergence == "kl":
        return lambda p, q: rel_entr(p, q).sum()
    if divergence == "js":
        return lambda p, q: (rel_entr(p, (p + q) / 2).sum() + rel_entr(q, (p + q) / 2).sum()) / 2
    return {
        "values": wasserstein_distance,
        "discrete": lambda p, q: ot.emd2(p, q, 1.0 - np.eye(len(p))),
        "index": lambda p, q: wasserstein_distance(classes, classes, p, q),
        "prototype": lambda p, q: ot.emd2(p, q, prototype_costs(pool)),
    }[ground]


def slow_scores(pool, divergence="wasserstein", ground="values", smoothing=1.0, labels="global"):
    distance = slow_distance(pool, divergence, ground)
    p = {role: slow_structure(pool, role, labels, smoothing) for role in ("local", "global", "kd")}
    own = slow_structure(pool, "local", "local", smoothing)
    outputs = pool.logits("local").double().softmax(1).numpy()
    outputs /= outputs.sum(1, keepdims=True)
    rows = []
    for i in range(pool.size):
        d_k, d_g = distance(p["local"][i], p["kd"][i]), distance(p["global"][i], p["kd"][i])
        inter = (d_k + d_g) * max(d_k / (d_g + 1e-5), d_g / (d_k + 1e-5))
        intra = distance(outputs[i], own[i])
        direct = distance(p["local"][i], p["global"][i])
        rows.append((d_k, d_g, inter, intra, inter * intra, direct))
    names = ("d_local_kd", "d_global_kd", "inter", "intra", "total", "direct")
    return dict(zip(names, np.array(rows).T, strict=True))
