"""A Slurm cluster of one node on this machine, for tests: no systemd, no cgroups.

    with Cluster(folder) as cluster:
        subprocess.run(["sbatch", ...], env=cluster.environment)

or, from a shell, until Ctrl-C:

    PYTHONPATH=tests python -m slurm.cluster [FOLDER]

which prints the line that lets another shell use it. Needs Debian's packages slurm-wlm and munge.
"""

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from slurm import accounting
from slurm.daemons import PATH, Daemons, free_port, missing

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")

CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
KillWait=5
OverTimeLimit=0
MailProg=/bin/true
GresTypes=gpu
NodeName=node NodeHostname=localhost NodeAddr=127.0.0.1 \\
  CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=node Default=YES MaxTime=INFINITE PriorityTier=1 State=UP
PartitionName=urgent Nodes=node MaxTime=INFINITE PriorityTier=2 PreemptMode=OFF State=UP
"""


class Cluster:
    """A munge, a slurmctld and a slurmd of one's own, with all their files in ``folder``.

    account: if given, the cluster keeps accounts, and lets in jobs of this one only. cpus, memory
    (MiB), gpus: what the one node is said to have, whatever the machine has. environment: what a
    process needs to speak with this cluster.
    """

    def __init__(
        self,
        folder: str | Path,
        account: str | None = None,
        *,
        cpus: int = 4,
        memory: int = 64000,
        gpus: int = 2,
    ):
        self.folder, self.account = Path(folder).absolute(), account
        self.node = {"cpus": cpus, "memory": memory, "gpus": gpus}
        self.environment: Mapping[str, str] = {
            **os.environ,
            "PATH": f"{self.folder}/bin:{PATH}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }
        self.daemons = Daemons(self.folder, self.environment)

    def __enter__(self) -> "Cluster":
        try:
            self._configure()
            self._start_munge()
            if self.account:
                accounting.start(self.daemons, self.account)
            self.start_controller()
            self._start_node()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints; raises CalledProcessError if it fails."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def jobs(self, *options: str) -> list[dict[str, str]]:
        """What squeue knows of the jobs (id, state, name, comment, restarts), finished ones too."""
        keys = ("id", "state", "name", "comment")
        lines = self.ask(
            "squeue", "--noheader", "--states=all", "--format=%i|%T|%j|%k", *options
        ).splitlines()
        return [dict(zip(keys, line.split("|"), strict=True)) for line in lines]

    def signal(self, name: str, job: str) -> None:
        """Send a signal (STOP, CONT, ...) to all processes of a job's steps."""
        self.ask("scancel", f"--signal={name}", job)

    def drain(self) -> None:
        """Let the node finish what it runs and start nothing."""
        self.ask("scontrol", "update", "NodeName=node", "State=DRAIN", "Reason=test")

    def resume(self) -> None:
        """Let the node start jobs again, as soon as slurmctld has heard of it."""
        self.daemons.wait_for("slurmctld", "scontrol", "update", "NodeName=node", "State=RESUME")

    def preempt(self) -> None:
        """Have a job of more priority take the whole node for a moment."""
        self.ask("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true")

    def start_controller(self) -> None:
        """Start slurmctld and wait until it answers."""
        self.daemons.start("slurmctld", "slurmctld", "-D")
        self.daemons.wait_for("slurmctld", "scontrol", "ping")

    def stop_controller(self) -> None:
        """Stop slurmctld, as when its machine is rebooted; jobs go on."""
        self.daemons.stop("slurmctld")

    def stop(self) -> None:
        """Cancel what runs, stop the daemons, and end what is left."""
        if {"slurmctld", "slurmd"} <= self.daemons.running.keys():
            subprocess.run(
                ["scancel", "--user", getpass.getuser()], env=self.environment, check=False
            )
            self._wait_until_idle()
        self.daemons.stop_all()
        for process in psutil.process_iter():
            # Whoever still speaks with this cluster: clients of a failed test, jobs that hung.
            with contextlib.suppress(psutil.Error):
                if process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]:
                    process.kill()

    def _configure(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.folder.joinpath("slurm.conf").write_text(
            CONFIGURATION.format(
                folder=self.folder,
                user=getpass.getuser(),
                controller_port=free_port(),
                node_port=free_port(),
                **self.node,
            )
            + (accounting.configure(self.folder) if self.account else "")
        )
        devices = [self.folder / f"gpu{number}" for number in range(self.node["gpus"])]
        for device in devices:
            device.touch()
        lines = (f"NodeName=node Name=gpu File={device}\n" for device in devices)
        self.folder.joinpath("gres.conf").write_text("".join(lines))

        # Snakemake's job steps start srun without the SLURM_ variables, SLURM_CONF among them.
        srun = self.folder / "bin" / "srun"
        program = shutil.which("srun", path=PATH)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {program} "$@"\n')
        srun.chmod(0o755)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{name}" for option, name in files.items()]
        self.daemons.start(
            "munged", "munged", "--foreground", "--force", f"--key-file={key}", *options
        )
        self.daemons.wait_for(
            "munged", "munge", "--no-input", f"--socket={self.folder}/munge.socket"
        )

    def _start_node(self) -> None:
        self.daemons.start("slurmd", "slurmd", "-D", "-N", "node")
        self.daemons.wait_for("slurmd", "sh", "-c", "sinfo --noheader --format=%T | grep -q idle")

    def _wait_until_idle(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.ask("squeue", "--noheader").strip():
            time.sleep(0.2)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="slurm-")
    with Cluster(folder) as cluster:
        for key in ("PATH", "SLURM_CONF"):
            print(f"export {key}={cluster.environment[key]}", flush=True)
        signal.pause()


if __name__ == "__main__":
    if lacking := missing(PROGRAMS):
        sys.exit(f"Not installed: {', '.join(lacking)}. apt-get install slurm-wlm munge")
    main()
