"""Whether a folder lies on a network file system, where file locks do not keep processes apart."""

from __future__ import annotations

import re
from pathlib import Path

from trainer.core.errors import StoreError, Where

_NETWORK = re.compile(
    r"(fuse\.)?(nfs4?|cifs|smb3|smbfs|afs|coda|ceph|lustre|gpfs|gfs2|ocfs2|beegfs|sshfs|s3fs|rclone|gcsfuse|glusterfs|davfs2?)"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def refuse_network(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Raises StoreError if the folder lies on a network file system; systems without `mounts` are trusted."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = kind_of(folder.resolve(), lines)
    if _NETWORK.fullmatch(kind):
        raise StoreError(
            f"the database would lie on a network file system ({kind}), where file locks do not hold",
            where=Where(str(folder)),
            hint="set data_store.database_path to a folder on a local disk, or data_store.backend to postgresql",
        )


def kind_of(folder: Path, mountinfo: str) -> str:
    """The type of the file system that holds `folder`, by the longest mount point above it; empty if none is."""
    found, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if folder.is_relative_to(point) and len(point.parts) >= found:
            found, kind = len(point.parts), after.split(" ")[0]
    return kind
