"""An import is one transaction."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from files import as_imported, dump, file_of, sealed, taken_in
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
        assert store.record("offl") == before
        assert store.record("meas") == as_imported(measured_record())


def test_a_campaign_without_attempts_is_one(tmp_path: Path) -> None:
    data = json.loads(file_of(tmp_path, offline_record()))
    seed = data["campaign"]["settings"]["seed"]
    data |= {"attempts": [], "texts": {seed: data["texts"][seed]}}
    assert taken_in(tmp_path / "new.db", sealed(data)) == "offl"


def test_only_what_came_from_the_file_is_marked_whatever_the_file_says(tmp_path: Path) -> None:
    data = json.loads(file_of(tmp_path, measured_record()))
    data["campaign"]["imported"] = 1
    taken_in(tmp_path / "new.db", sealed(data))
    with Store.open(tmp_path / "new.db") as store:
        record = store.record("meas")
    campaign, last = record.campaign, record.attempts[-1]
    assert campaign.imported == len(record.attempts)
    assert campaign.is_imported(last)
    assert not campaign.is_imported(last.model_copy(update={"number": last.number + 1}))
    assert not measured_record().campaign.is_imported(last)
