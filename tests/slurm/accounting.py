"""Slurm's accounting for a test cluster: a MariaDB of its own and slurmdbd.

Needs Debian's packages slurmdbd and mariadb-server.
"""

import getpass
import subprocess
from pathlib import Path

from slurm.daemons import Daemons, free_port

PROGRAMS = ("slurmdbd", "sacctmgr", "sacct", "mariadbd", "mariadb-install-db", "mariadb-admin")

DATABASE_DAEMON = """\
DbdHost=localhost
DbdPort={port}
SlurmUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser={user}
StorageLoc=slurm
"""


def configure(folder: Path) -> str:
    """Write slurmdbd.conf and make an empty database; returns lines for slurm.conf.

    With these lines a job is let in only with an account of its user.
    """
    user, port, database_port = getpass.getuser(), free_port(), free_port()
    configuration = folder / "slurmdbd.conf"
    configuration.touch(0o600)
    configuration.write_text(
        DATABASE_DAEMON.format(folder=folder, user=user, port=port, database_port=database_port)
    )
    database = folder / "database"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--user={user}", f"--datadir={database}"],
        check=True,
        capture_output=True,
    )
    folder.joinpath("database.cnf").write_text(
        f"[mariadbd]\ndatadir={database}\nsocket={folder}/database.socket\nport={database_port}\n"
        f"bind-address=127.0.0.1\nuser={user}\nskip-grant-tables\n"
    )
    return (
        "AccountingStorageType=accounting_storage/slurmdbd\n"
        f"AccountingStorageHost=localhost\nAccountingStoragePort={port}\n"
        f"AccountingStoragePass={folder}/munge.socket\nAccountingStorageEnforce=associations\n"
    )


def start(daemons: Daemons, account: str) -> None:
    """Start both daemons, and give this user the account by default."""
    folder = daemons.folder
    daemons.start("mariadbd", "mariadbd", f"--defaults-file={folder}/database.cnf")
    daemons.wait_for(
        "mariadbd", "mariadb-admin", "--no-defaults", f"--socket={folder}/database.socket", "ping"
    )
    daemons.start("slurmdbd", "slurmdbd", "-D")
    daemons.wait_for("slurmdbd", "sacctmgr", "--noheader", "list", "cluster")
    user = getpass.getuser()
    for request in (
        ("add", "cluster", "test"),
        ("add", "account", account, "cluster=test"),
        ("add", "user", user, f"account={account}"),
        ("modify", "user", user, "set", f"defaultaccount={account}"),
    ):
        subprocess.run(
            ["sacctmgr", "--immediate", *request],
            env=daemons.environment,
            check=True,
            capture_output=True,
        )
