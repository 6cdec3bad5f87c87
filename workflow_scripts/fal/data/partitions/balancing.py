"""Tables of whole numbers with given margins, shaped like Dirichlet draws.

Clients that get equally many examples and a class mix drawn from a Dirichlet distribution need a
balanced table: the drawn clients x classes proportions are scaled alternately along rows and
columns (Sinkhorn and Knopp, 1967) until every client is full and every class is used up, then
rounded to whole examples without moving any row or column sum.
"""

from itertools import pairwise

import numpy as np

FRACTION_BITS = 32
UNIT = 1 << FRACTION_BITS
MAX_BALANCINGS = 1000
BALANCING_TOLERANCE = 1e-6


def log_dirichlet(
    rng: np.random.Generator, alpha: float, draws: int, categories: int
) -> np.ndarray:
    """Logarithms of symmetric Dirichlet draws [draws, categories], exact where draws underflow.

    Uses Gamma(a) = Gamma(a + 1) * U^(1/a), so that even at alpha = 0.001 the order of the small
    proportions, which balancing needs, is kept.
    """
    shape = (draws, categories)
    log_gamma = np.log(rng.standard_gamma(alpha + 1, shape)) + np.log1p(-rng.random(shape)) / alpha
    return log_gamma - log_sum(log_gamma, axis=1)


def balanced_counts(
    log_mix: np.ndarray, row_sums: np.ndarray, column_sums: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Integer table [clients, classes] with exactly these margins, shaped like ``log_mix``."""
    balanced = _sinkhorn(log_mix, row_sums, column_sums)
    units = _exact_margins(balanced, log_mix, row_sums, column_sums)
    return _round_keeping_margins(units, rng)


def _sinkhorn(log_mix: np.ndarray, row_sums: np.ndarray, column_sums: np.ndarray) -> np.ndarray:
    """Scale rows and columns alternately toward the margins; rows fit exactly, columns nearly."""
    log_rows, log_columns = np.log(row_sums)[:, None], np.log(column_sums)[None, :]
    log_table = log_mix
    for _ in range(MAX_BALANCINGS):
        log_table = log_table + (log_columns - log_sum(log_table, axis=0))
        excess = log_rows - log_sum(log_table, axis=1)
        log_table = log_table + excess
        if np.abs(excess).max() < BALANCING_TOLERANCE:
            break
    return np.exp(log_table)


def _exact_margins(
    table: np.ndarray, log_mix: np.ndarray, row_sums: np.ndarray, column_sums: np.ndarray
) -> np.ndarray:
    """``table`` in units of 2^-FRACTION_BITS with exact margins, as int64.

    Columns that overflow are scaled down; what rows and columns then lack is handed out greedily,
    to the cells with the highest drawn proportion first.
    """
    shrink = np.minimum(1, column_sums / np.maximum(table.sum(axis=0), 1e-300)) * (1 - 1e-9)
    units = np.floor(table * shrink * UNIT).astype(np.int64)
    row_lack = row_sums * UNIT - units.sum(axis=1)
    column_lack = column_sums * UNIT - units.sum(axis=0)
    for cell in np.argsort(-log_mix, axis=None, kind="stable"):
        row, column = divmod(int(cell), table.shape[1])
        given = min(row_lack[row], column_lack[column])
        units[row, column] += given
        row_lack[row] -= given
        column_lack[column] -= given
    return units


def _round_keeping_margins(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Round each cell up or down at random, unbiased, so that no row or column sum moves.

    Dependent rounding (Gandhi et al., 2006): as all margins are whole, a row or column with one
    fractional cell has another, so a walk over fractional cells closes a cycle; adding to every
    second cell of the cycle and taking from the others makes at least one of them whole.
    """
    whole, part = units >> FRACTION_BITS, units & (UNIT - 1)
    rows = len(part)
    fractions = part.tolist()
    neighbors = [{rows + int(c) for c in np.flatnonzero(row)} for row in part]
    neighbors += [{int(r) for r in np.flatnonzero(column)} for column in part.T]
    for start in range(rows):
        path = [start]
        while neighbors[start]:
            before = path[-2] if len(path) > 1 else None
            node = next(node for node in neighbors[path[-1]] if node != before)
            if node not in path:
                path.append(node)
                continue
            first = path.index(node)
            cycle = path[first:]
            del path[first + 1 :]
            cells = [(min(edge), max(edge) - rows) for edge in pairwise([*cycle, node])]
            for row, column in _shift(cells, fractions, rng):
                neighbors[row].discard(rows + column)
                neighbors[rows + column].discard(row)
    return whole + np.array(fractions) // UNIT


def _shift(
    cells: list[tuple[int, int]], fractions: list[list[int]], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Move as much as possible between the even and the odd ``cells`` of a cycle.

    Either direction is taken with the probability that leaves every cell's expectation as it was.
    Returns the cells that are now whole.
    """
    even = [fractions[row][column] for row, column in cells[::2]]
    odd = [fractions[row][column] for row, column in cells[1::2]]
    up = min(UNIT - max(even), min(odd))
    down = min(min(even), UNIT - max(odd))
    change = up if rng.random() * (up + down) < down else -down
    for position, (row, column) in enumerate(cells):
        fractions[row][column] += -change if position % 2 else change
    return [(row, column) for row, column in cells if fractions[row][column] in (0, UNIT)]


def log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    """log(sum(exp(values))) along ``axis``, which is kept."""
    top = values.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(values - top).sum(axis=axis, keepdims=True))
