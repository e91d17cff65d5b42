"""Makes the digest of a data set: its rows, their labels and their parts."""

import hashlib
from pathlib import Path

from regraft.data.rows import Dataset, Input, Modality
from regraft.data.starters.cache import file_digest


def rows_digest(dataset: Dataset) -> str:
    """Returns the SHA-256 of everything in the rows that a training can tell apart."""
    found = hashlib.sha256(repr(dataset.classes).encode("utf-8", "surrogatepass"))
    for part, rows in sorted(dataset.parts.items()):
        found.update(f"{part} {len(rows)}".encode())
        found.update(rows.labels.tobytes())
        found.update(repr(list(rows.groups)).encode("utf-8", "surrogatepass"))
        for value in rows.inputs:
            found.update(hashlib.sha256(_content(value, rows.modality)).digest())
    return found.hexdigest()


def _content(value: Input, modality: Modality) -> bytes:
    if isinstance(value, bytes):  # As a file of the same bytes.
        return hashlib.sha256(value).hexdigest().encode()
    if not isinstance(value, str):
        return repr(value.shape).encode() + value.tobytes()
    if modality == "image":
        return file_digest(Path(value)).encode()
    return value.encode("utf-8", "surrogatepass")
