"""A text with fewer words than n gets no shingle at all."""

PART = "test-shingles"


def shingles(text, n=5):
    words = re.findall(r"\w+", text.lower())
    runs = {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}
    return {int.from_bytes(sha1(run.encode()).digest()[:4], "big") for run in runs}
