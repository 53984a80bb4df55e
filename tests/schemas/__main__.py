"""Writes the files of the schemas that the code has now."""

from tests.schemas import CURRENT, DIALECTS, file, text

for name, (_, version) in CURRENT.items():
    for dialect in DIALECTS:
        file(name, version, dialect).write_text(text(name, dialect))
