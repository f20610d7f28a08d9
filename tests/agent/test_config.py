"""Configuration: precedence, types, and the nearest key for a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.config import Config, ConfigError, keys, load


def test_defaults_need_nothing() -> None:
    assert load(None, [], {}) == Config()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text('[campaign]\nrounds = 1\nsamples = 1\nstages = ["algorithm"]\n[provider]\nmodel = "a"\n')
    return path


@pytest.mark.parametrize(
    ("assignments", "flags", "rounds"),
    [([], {}, 1), (["campaign.rounds=2"], {}, 2), (["campaign.rounds=2"], {"campaign.rounds": 3}, 3)],
)
def test_flag_over_assignment_over_file(
    file: Path, assignments: list[str], flags: dict[str, int], rounds: int
) -> None:
    config = load(file, assignments, {**flags, "campaign.target": None})
    assert (config.campaign.rounds, config.provider.model, config.campaign.target) == (rounds, "a", "auto")


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("provider.model=gpt-x", "gpt-x"),
        ("provider.model='gpt-x'", "gpt-x"),
        ("provider.model=a=b", "a=b"),
        ("provider.model = spaced ", "spaced"),
    ],
)
def test_a_bare_word_is_a_string(assignment: str, expected: str) -> None:
    assert load(None, [assignment], {}).provider.model == expected


def test_lists_and_numbers_are_toml() -> None:
    config = load(None, ['campaign.stages=["a", "b"]', "provider.usd_per_million=[1.25, 10]"], {})
    assert config.campaign.stages == ["a", "b"] and config.provider.usd_per_million == (1.25, 10.0)


@pytest.mark.parametrize("key", keys())
def test_a_misspelt_key_names_the_right_one(key: str) -> None:
    section, name = key.split(".")
    for wrong in (f"{section}.{name}x", f"{section[:-1]}.{name}"):
        with pytest.raises(ConfigError, match=f"did you mean '{key}'"):
            load(None, [f"{wrong}=1"], {})


@given(
    st.from_regex(r"[a-z_]{1,12}(\.[a-z_]{1,12}){0,2}", fullmatch=True).filter(lambda key: key not in keys())
)
def test_no_unknown_key_is_taken(key: str) -> None:
    with pytest.raises(ConfigError):
        load(None, [f"{key}=1"], {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[campaign]\nrounds = 0\n", "campaign.rounds"),
        ("[budget]\nmax_usd = -1\n", "budget.max_usd"),
        ("campaign = 3\n", "campaign"),
        ("[provider]\napi_key = 'sk-x'\n", "export OPENAI_API_KEY"),
        ("[provider", "is not TOML"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "c.toml", [], {})
    assert says in str(caught.value) and "\n" not in str(caught.value) and "sk-x" not in str(caught.value)


def test_an_assignment_into_a_value_that_is_no_section(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("campaign = 3\n")
    with pytest.raises(ConfigError, match=r"\[campaign\]"):
        load(tmp_path / "c.toml", ["campaign.rounds=2"], {})
