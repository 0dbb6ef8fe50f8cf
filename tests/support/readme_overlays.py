"""The overlays that README.md and cron/README.md show, as files beside a copy of `cron/`."""

import re
from pathlib import Path

from tests.support.manifests import CRON, Manifest, beside, kustomize

README = CRON.parent / "README.md"
MANUAL = CRON / "README.md"
_BLOCK = re.compile(r"^```yaml\n# my-cluster/(\S*?kustomization\.yaml)\b.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def of_the_readme() -> str:
    """Give the overlay that the steps of the README write."""
    (text,) = re.findall(
        r"> my-cluster/kustomization\.yaml <<'END'\n(.*?)^END$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return str(text)


def of_the_manual() -> list[dict[str, str]]:
    """Give each overlay of the manual: its files by their paths; one in a folder below goes with the one after it."""
    overlays: list[dict[str, str]] = []
    files: dict[str, str] = {}
    for path, text in _BLOCK.findall(MANUAL.read_text("utf-8")):
        files[f"my-cluster/{path}"] = text
        if path == "kustomization.yaml":
            overlays.append(files)
            files = {}
    assert not files
    return overlays


def rendered(files: dict[str, str], home: Path) -> tuple[Manifest, ...]:
    """Render an overlay in an empty folder."""
    return kustomize(beside(files, home) / "my-cluster")
