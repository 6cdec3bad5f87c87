"""The table of clients, against counts by hand."""

import numpy as np

from data.image_files import load
from fal.data.dataset import Sites
from fal.data.labeling import Labeling
from fal.reporting.client_table import COLUMNS, client_rows, client_table, spreads

FACTORS = {"dataset": "d", "alpha": "", "clients": 3, "seed": 1}
LABELING = Labeling(initial=0.5, budget=2, cycles=1)


def table(sites=None):
    data = load("digits", train_size=20)
    client = np.repeat([0, 1, 2], [4, 15, 1])
    data.train_labels[0] = -1
    if sites:
        data.sites = Sites(sites, client, np.zeros(0, dtype=np.int64))
    return data, client_table(client_rows(FACTORS, client, data, LABELING))


def test_rows_are_counts():
    data, rows = table()
    assert list(rows.columns) == COLUMNS
    assert rows["images"].tolist() == [4, 15, 1]
    assert rows["initial"].tolist() == [2, 8, 1]
    assert rows["budget"].tolist() == [2, 2, 2]
    assert set(rows["site"]) == {""}
    parts = (range(1, 4), range(4, 19), range(19, 20))
    assert rows["classes"].tolist() == [len({data.train_labels[i] for i in p}) for p in parts]
    assert list(spreads(rows)) == ["d, 3 clients, seed 1: 1 to 15 images per client (median 4)"]


def test_clients_that_are_sites_have_their_names():
    assert table(("Köln", "a/b", "c"))[1]["site"].tolist() == ["Köln", "a/b", "c"]
