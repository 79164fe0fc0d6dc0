#!/usr/bin/env bash
# jupyter-book 2.1.7 (mystmd): a bar inside a formula in a table ends the cell, and what no longer fits into the row is gone
# from the page without a word, also under --strict. `P(A|B)` is what tables of probabilities hold; write `P(A\mid B)`.
# Seen on 2026-12-01: the row "one" keeps "$P(A" and "B)$", and loses "the note of one"; exit code 0, no warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet jupyter-book==2.1.7
printf 'version: 1\nproject:\n  title: Tables\n' > myst.yml
cat > page.md <<'PAGE'
---
title: A table
exports:
  - format: md
    output: out.md
---

| model | loss | note |
|---|---|---|
| one | $P(A|B)$ | the note of one |
| two | $P(A\mid B)$ | the note of two |
PAGE
env/bin/jupyter-book build page.md --md --strict > log.txt 2>&1 || { cat log.txt; echo "CHANGED: the build fails now"; exit 1; }
cat out.md
grep -q "the note of two" out.md
if grep -q "the note of one" out.md || grep -qi "warn" log.txt; then
  echo "CHANGED: the row is kept, or its loss is told"; exit 1
fi
echo "As described: the row lost its last cell, and nothing was said."
