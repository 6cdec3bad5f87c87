"""A progress that nobody watches."""


class Unwatched:
    """Stands in for fal.progress.Progress, as ``Job.progress`` makes one."""

    def __init__(self, unit: str, total: int, done: int = 0):
        pass

    def update(self, done: int, **numbers: float) -> None:
        pass

    def close(self) -> None:
        pass
