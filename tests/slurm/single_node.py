"""A SLURM cluster of this one machine, for tests: munged, slurmctld and slurmd on loopback, in a folder of their own.

As a script, `python tests/slurm/single_node.py COMMAND ...` starts it, runs COMMAND with SLURM_CONF set, and stops it.
From Debian's packages munge, slurmctld, slurmd and slurm-client; nothing of them need run or be configured before.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
KILL_WAIT = 30  # seconds from SIGTERM to SIGKILL: the grace of a job that is cancelled or requeued

# No cgroups, no accounting: plugins that need nothing of the machine. Jobs of `high` preempt those of `low`.
# A requeued job waits as long as its credentials may live: 120 s if nothing is said.
CONFIGURATION = """
ClusterName=single
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
ReturnToService=2
KillWait={kill_wait}
MinJobAge=60
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime={kill_wait}
PartitionName=high Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing() -> list[str]:
    """Programs that are not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextmanager
def cluster(folder: Path, cpus: int = 2) -> Iterator[dict[str, str]]:
    """Yield the environment in which SLURM's commands speak to a cluster whose files lie in `folder`."""
    host = socket.gethostname().split(".")[0]
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    environment["PATH"] += ":/usr/sbin:/usr/local/sbin"
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    _write_key(folder / "munge.key")
    user = pwd.getpwuid(os.getuid()).pw_name
    ports = _free_ports(2)
    text = CONFIGURATION.format(
        folder=folder, host=host, user=user, cpus=cpus, kill_wait=KILL_WAIT, controller=ports[0], node=ports[1]
    )
    (folder / "slurm.conf").write_text(text, encoding="utf-8")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(_start(_munged(folder), folder, environment))
        _until(lambda: (folder / "munge.socket").exists(), folder)
        processes.append(_start(["slurmctld", "-D"], folder, environment))
        processes.append(_start(["slurmd", "-D", "-N", host], folder, environment))
        _until(lambda: "idle" in _said(["sinfo", "--noheader", "--format=%t"], environment), folder)
        yield environment
        subprocess.run(["scancel", f"--user={user}"], env=environment, check=False, timeout=60)
        # Or a step that is ending would outlive the daemons.
        _until(lambda: not _said(["squeue", "--noheader"], environment).strip(), folder, KILL_WAIT + 30)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in reversed(processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _munged(folder: Path) -> list[str]:
    files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return ["munged", "--foreground", "--force", *(f"--{key}={folder}/munge.{end}" for key, end in files.items())]


def _write_key(path: Path) -> None:
    path.write_bytes(secrets.token_bytes(128))
    path.chmod(0o400)


def _start(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / f"{command[0]}.out").open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=folder)


def _until(condition, folder: Path, seconds: float = 30.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(folder.glob("*.out")))
            raise RuntimeError(f"the cluster does not do as it should\n{logs}")
        time.sleep(0.1)


def _said(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60).stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def main(command: list[str]) -> int:
    if absent := missing():
        print(f"not installed: {', '.join(absent)}; apt-get install munge slurmctld slurmd slurm-client")
        return 1
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder)) as environment:
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
