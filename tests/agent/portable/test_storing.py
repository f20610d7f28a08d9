"""An import is one transaction."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from files import dump, file_of, sealed, taken_in
from kernelwright.agent.store import Store, StoreError
from sample_campaigns import measured_record, offline_record


def test_a_store_that_fails_in_the_middle_has_nothing_of_it(tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    taken_in(new, file_of(tmp_path, measured_record()))
    connection = sqlite3.connect(new)
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON attempts WHEN NEW.number = 3 BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    connection.close()
    before = dump(new)
    with pytest.raises(StoreError):
        taken_in(new, file_of(tmp_path, offline_record()))
    assert dump(new) == before


def test_texts_that_are_there_already_are_shared(tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    taken_in(new, file_of(tmp_path, offline_record()))
    with Store.open(new) as store:
        before = store.record("offl")
    taken_in(new, file_of(tmp_path, measured_record()))
    with Store.open(new) as store:
        assert store.record("offl") == before and store.record("meas") == measured_record()


def test_a_campaign_without_attempts_is_one(tmp_path: Path) -> None:
    data = json.loads(file_of(tmp_path, offline_record()))
    seed = data["campaign"]["settings"]["seed"]
    data |= {"attempts": [], "texts": {seed: data["texts"][seed]}}
    assert taken_in(tmp_path / "new.db", sealed(data)) == "offl"
