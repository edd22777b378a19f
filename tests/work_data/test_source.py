"""What reading a source makes of its cells."""

from pathlib import Path

import polars as pl

from mlspec.steps.data import source
from mlspec.steps.job import Job


def test_what_is_no_number_is_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1.5,x\nNaN,y\n,nan\n2.5,\n")
    job = Job(
        id="source.rows",
        kind="source",
        params={"source": ["csv", {"path": "rows.csv"}], "columns": [["a", "number"], ["b", "category"]]},
        inputs={},
        outputs={"table": tmp_path / "table"},
        scratch=tmp_path,
        root=tmp_path,
    )
    source.run(job)
    assert pl.read_parquet(tmp_path / "table").rows() == [(1.5, "x"), (None, "y"), (None, "nan"), (2.5, None)]
