"""A user's own kind of data set, from a file outside the repository."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fal.data import kinds
from fal.errors import InputError

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_dataset.py"


@pytest.fixture
def blobs(tmp_path):
    return f"{shutil.copy(EXAMPLE, tmp_path / 'mine.py')}:Blobs"


def test_the_example_is_a_data_set(blobs):
    data = kinds.create(blobs, images=200, image_size=8, train_size=100).load("blobs")
    assert data.train_images.shape == (100, 8, 8, 1)
    assert np.bincount(data.train_labels).tolist() == [25] * 4
    assert len(data.test_labels) == 40
    assert (data.flip, data.train_files, data.warnings) == (False, (), ())


def test_the_example_can_be_learned_but_not_without_effort(blobs):
    from sklearn.ensemble import RandomForestClassifier

    data = kinds.create(blobs, images=1000).load("blobs")
    forest = RandomForestClassifier(n_estimators=60, random_state=0)
    forest.fit(data.train_images.reshape(800, -1), data.train_labels)
    assert 0.5 < forest.score(data.test_images.reshape(200, -1), data.test_labels) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -1}, "noise is -1, but must be a number of at least 0"),
        ({"nois": 1}, "no option 'nois'; did you mean 'noise'"),
        ({"path": "x"}, "no option 'path'"),
    ],
)
def test_the_example_s_options_are_checked(blobs, options, message):
    with pytest.raises(InputError, match=message):
        kinds.create(blobs, **options)
