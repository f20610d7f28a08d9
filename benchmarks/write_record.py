"""Write a campaign's record as plain files: ``python benchmarks/write_record.py STORE CAMPAIGN FOLDER``.

Everything comes from the reading commands: the tree (text and JSON), every prompt, reply and kernel as it was
stored, every verdict as JSON, and the best kernel's source.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def kernelwright(*words: str, store: str) -> str:
    command = [sys.executable, "-m", "kernelwright.agent", *words, "--store", store]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=None).stdout


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(store: str, campaign: str, folder: Path) -> None:
    write(folder / "tree.txt", kernelwright("tree", campaign, store=store))
    tree = kernelwright("tree", campaign, "--json", store=store)
    write(folder / "tree.json", tree)
    write(folder / "best.py", kernelwright("best", campaign, store=store))
    for attempt in json.loads(tree)["attempts"]:
        number = attempt["id"].split(".")[1]
        for artefact, suffix in (("prompt", "md"), ("reply", "md"), ("code", "py")):
            try:
                text = kernelwright("show", attempt["id"], f"--{artefact}", store=store)
            except subprocess.CalledProcessError:
                continue  # a seed has no prompt, a failed reply no kernel
            write(folder / f"{artefact}s" / f"{number}.{suffix}", text)
        write(folder / "verdicts" / f"{number}.json", kernelwright("show", attempt["id"], "--json", store=store))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
