"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StoreFile = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="KERNELWRIGHT_STORE",
        help="Where campaigns are kept.  [default: .kernelwright/campaigns.db]",
    ),
]
CampaignId = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A campaign's id or a unique prefix of it.")
]
AttemptId = Annotated[
    str, typer.Argument(metavar="ATTEMPT", help="An attempt's id, such as abcd.3; a unique prefix is enough.")
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target", metavar="NAME", help="Card that the kernel is made for, or auto; `gpus` lists them."
    ),
]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar="auto|cuda|offline", help="Where kernels are judged.  [default: auto]"),
]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The model, as the API calls it.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible API.")]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", metavar="N", help="Pause after that many tokens, over all resumes."),
]
MaxUsd = Annotated[
    float | None,
    typer.Option(
        "--max-usd", metavar="X", help="Pause after that many dollars; wants provider.usd_per_million."
    ),
]
MaxMinutes = Annotated[
    float | None,
    typer.Option("--max-minutes", metavar="N", help="Pause after that many minutes, over all resumes."),
]
