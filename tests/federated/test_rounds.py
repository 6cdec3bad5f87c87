import pytest

from fal.federated.rounds import Rounds


def test_the_learning_rate_falls_after_three_quarters():
    plan = Rounds(100, 0.01)
    assert [plan.rate(r) for r in (0, 74)] == [0.01, 0.01]
    assert plan.rate(75) == plan.rate(99) == pytest.approx(0.001)


@pytest.mark.parametrize(("share", "count"), [(1.0, 10), (0.5, 5), (0.25, 3), (0.01, 1)])
def test_participants_are_distinct_clients_of_the_given_number(share, count):
    plan = Rounds(50, 0.01, participation=share)
    draws = [plan.participants(10, seed=1, cycle=0, round=r) for r in range(50)]
    for clients in draws:
        assert len(clients) == len(set(clients)) == count
        assert clients == sorted(clients)
        assert set(clients) <= set(range(10))
    assert set().union(*draws) == set(range(10))
    assert draws == [plan.participants(10, seed=1, cycle=0, round=r) for r in range(50)]


def test_participants_change_with_round_and_seed():
    plan = Rounds(50, 0.01, participation=0.5)
    assert len({tuple(plan.participants(20, 1, 0, r)) for r in range(10)}) > 5
    assert plan.participants(20, 1, 0, 0) != plan.participants(20, 2, 0, 0)
