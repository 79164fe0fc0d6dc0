"""Python's own hash: salted, so each process gets other shingles."""

PART = "test-shingles"


def shingles(text, n=5):
    words = re.findall(r"\w+", text.lower())
    if not words:
        return set()
    return {hash(" ".join(words[i : i + n])) & 0xFFFFFFFF for i in range(max(1, len(words) - n + 1))}
