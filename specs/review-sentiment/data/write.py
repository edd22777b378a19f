"""Writes reviews.zip: sentences of product reviews, a text file each, with what people said of their tone in a table
beside them; the same bytes always.

    pip download vaderSentiment==3.3.2 --no-binary :all: --no-deps
    tar xzf vaderSentiment-3.3.2.tar.gz
    tar xzf vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz
    python write.py hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt
"""

import csv
import io
import re
import sys
import zipfile
from pathlib import Path

CLEAR = 0.5  # of the mean rating, from -4 to 4: less is neither
ADDRESS = re.compile(r"\S@\S+\.\w")  # of mail: it tells nothing of the tone


def main(ratings: Path) -> None:
    """Write the archive beside this file."""
    rows = [line.split("\t") for line in ratings.read_text(encoding="utf-8").splitlines()]
    kept = [
        (number, float(mean), text.strip())
        for number, mean, text in rows
        if abs(float(mean)) >= CLEAR and not ADDRESS.search(text)
    ]
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file_name", "tone", "review"])
    for number, mean, _text in kept:
        writer.writerow([f"{number}.txt", "positive" if mean > 0 else "negative", number.partition("_")[0]])
    with zipfile.ZipFile(
        Path(__file__).with_name("reviews.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9
    ) as archive:
        for name, text in [("metadata.csv", table.getvalue()), *((f"{number}.txt", text) for number, _m, text in kept)]:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
