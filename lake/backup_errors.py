"""What can go wrong with a backup, and with restoring one."""

from pathlib import Path

from lake.errors import LakeError


class BackupInside(LakeError):
    """A backup was to be taken into the lake itself, or around it."""

    def __init__(self, target: Path, root: Path) -> None:
        self.target = target
        self.root = root
        super().__init__(
            f"{target} and the lake at {root} lie one inside the other: a backup there would hold its own copies, or "
            "mix with the lake's files. Give a folder beside the lake, best on another disk."
        )


class BackupMissing(LakeError):
    """There is no backup in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"no backup in {folder}: there is no backup.json. Take one with `deepdlt backup {folder}`.")


class BackupDamaged(LakeError):
    """A backup is not what its manifest says."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"the backup cannot be used, {path}: {reason}. Use another folder, or another backup.")


class BackupFolderTaken(LakeError):
    """A backup is to go into a folder that holds other things."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} holds files and is no backup of this lake, and what a backup does not know it removes: give it "
            "a folder of its own, one that is empty or not there yet."
        )


class BackupIncomplete(LakeError):
    """A file of the lake that a row refers to went while the lake was copied."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path}, which the lake's rows refer to, went while the lake was copied: `deepdlt maintain` or "
            "`deepdlt forget` ran meanwhile. Run it again; a backup that was there before stands."
        )


class BackupElsewhere(LakeError):
    """A lake's catalog is in Postgres, which has tools of its own for copies."""

    def __init__(self, database: str) -> None:
        self.database = database
        super().__init__(
            f"the catalog is in {database}: copy it with pg_dump, and the folder or bucket after it "
            "(docs/many-machines.md says how)."
        )


class LakeExists(LakeError):
    """A lake is to be made where one is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(
            f"there is a lake at {root}: restore into another folder, or move that one away, the whole folder, and run "
            "`deepdlt restore` again."
        )
