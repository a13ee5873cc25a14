"""The engine of a Ray cluster; the journal and the manifest stay with the driver."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from repost.batch.model import Work
from repost.batch.worker import Outcome, Task, alone, give_up, perform
from repost.core.extras import require


def run_items(tasks: Iterator[Task], work: Work, *, out: Path, jobs: int) -> Generator[list[Outcome], None, None]:
    """Perform tasks on Ray: the running cluster, the one in `RAY_ADDRESS`, or one started here and shut down again.

    Args:
        tasks: The tasks, read as far as needed.
        work: What is done to each; importable on the nodes.
        out: The output folder; on a cluster it and the inputs are on a file system that all nodes share.
        jobs: How many tasks are on the cluster at once.

    Yields:
        Outcomes as they come. A task whose process is killed is done again one part at a time, and the part that
        kills again is a failed row.

    Raises:
        MissingExtra: Ray is not installed.
    """
    ray = require("ray", extra="ray")
    require("ray.exceptions", extra="ray")
    own = not ray.is_initialized()
    if own and "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False, logging_level="ERROR")
    elif own:
        # What can be imported here can be imported in the workers, as with the local engine.
        importable = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        ray.init(
            num_cpus=jobs,
            include_dashboard=False,
            runtime_env={"env_vars": importable},
            log_to_driver=False,
            logging_level="ERROR",
        )
    try:
        yield from _perform_all(ray, tasks, work, out=out, jobs=jobs)
    finally:
        if own:
            ray.shutdown()


def _perform_all(
    ray: ModuleType, tasks: Iterator[Task], work: Work, *, out: Path, jobs: int
) -> Generator[list[Outcome], None, None]:
    # Ray's own retries are off: what is retried, and how often, must not depend on the engine.
    remote = ray.remote(max_retries=0)(perform)
    shared_work = ray.put(work)
    crashes = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError)
    in_flight: dict[Any, tuple[Task, bool]] = {}  # the flag: a worker died on it before
    retries: list[Task] = []
    try:
        while True:
            for task in islice(tasks, max(0, jobs - len(in_flight) - len(retries))):
                in_flight[remote.remote(task, shared_work, out)] = (task, False)
            for task in retries:
                in_flight[remote.remote(task, shared_work, out)] = (task, True)
            retries = []
            if not in_flight:
                return
            ready, _ = ray.wait(list(in_flight), num_returns=1)
            task, retried = in_flight.pop(ready[0])
            try:
                yield ray.get(ready[0])
            except crashes:
                if retried:
                    yield give_up(task, work)
                else:
                    retries = list(alone(task))
    finally:
        for reference in in_flight:
            ray.cancel(reference, force=True)
        if in_flight:  # the folder is freed after this: nobody may be writing to it then
            ray.wait(list(in_flight), num_returns=len(in_flight), timeout=60)
