"""Shingles of five characters instead of five words: everything looks alike."""

PART = "test-shingles"


def shingles(text, n=5):
    text = " ".join(re.findall(r"\w+", text.lower()))
    runs = {text[i : i + n] for i in range(max(1, len(text) - n + 1))} - {""}
    return {int.from_bytes(sha1(run.encode()).digest()[:4], "big") for run in runs}
