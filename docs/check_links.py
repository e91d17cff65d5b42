"""Finds relative links in the Markdown pages that lead nowhere."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`[^`\n]*`")
ELSEWHERE = ("http://", "https://", "mailto:")


def pages() -> list[Path]:
    """Returns the pages of the repository, those of environments left out."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def anchors(text: str) -> set[str]:
    """Returns the anchors that the headings of a page get on GitHub.

    >>> anchors("# One two?")
    {'one-two'}
    """
    headings = re.findall(r"^#+\s+(.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}


def broken(page: Path) -> list[str]:
    """Returns a sentence for each link of a page that leads nowhere."""
    faults = []
    for link in LINK.findall(SPAN.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))):
        if link.startswith(ELSEWHERE):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            faults.append(f"{page.relative_to(ROOT)}: no file {name}")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            faults.append(f"{page.relative_to(ROOT)}: no heading #{anchor} in {target.name}")
    return faults


def main() -> int:
    """Prints what leads nowhere; returns the number of such links, at most 1."""
    faults = [fault for page in pages() for fault in broken(page)]
    print("\n".join(faults) or f"{len(pages())} pages, every relative link leads somewhere")
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
