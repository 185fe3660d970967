"""Which Python regular expression matches exactly what a service model's Java expression does?"""

import re
import warnings

JAVA_CLASSES = {
    r"\w": "A-Za-z0-9_",
    r"\d": "0-9",
    r"\s": r" \t\n\x0b\f\r",
    # Python's \w is exactly L, N and "_" (a test compares every code point); Z is listed.
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
# Two spellings of "every character beyond U+FFFF": as surrogate pairs, and by a slip (Java reads
# \u10000 as \u1000 and a digit).
BEYOND_16_BITS = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\u10000-\u10FFFF")
INLINE_FLAGS = re.compile(r"\(\?[ims]+\)")
JAVA_PART = re.compile(r"\\p\{[A-Z]\}|\\U[0-9A-F]{8}|\\u[0-9A-Fa-f]{4}|\\.|.", re.DOTALL)


def python_pattern(java: str) -> str:
    r"""The Python regular expression that matches what the model's (Java) one matches, whole.

    Perl classes mean ASCII, as they do in Java; \p{…} is the one place where AWS allows more.
    """
    for spelling in BEYOND_16_BITS:
        java = java.replace(spelling, r"\U00010000-\U0010FFFF")
    flags = "".join(INLINE_FLAGS.findall(java))
    parts, in_class = [], False
    for part in JAVA_PART.findall(INLINE_FLAGS.sub("", java)):
        if part in JAVA_CLASSES:
            parts.append(JAVA_CLASSES[part] if in_class else f"[{JAVA_CLASSES[part]}]")
            continue
        if part == "[" and not in_class:
            in_class = True
        elif part == "]":
            in_class = False
        elif part in "^$" and not in_class:
            continue  # the whole text must match; an alternative's own anchors say the same
        parts.append(part)
    body = "".join(parts)
    whole = f"(?:{body})" if "|" in body else body
    anchored = rf"{flags}\A{whole}\Z"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        re.compile(anchored)
    return anchored
