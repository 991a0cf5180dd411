"""Secrets out of text before it is remembered.

Known forms of keys and tokens, and whatever stands behind words like "password". Rather too much
than too little: a memory that lost a word is still of use, a leaked key is not.
"""

from __future__ import annotations

import re

# Where a value ends, in code, in JSON, in a shell.
_VALUE = r"\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'|[^\s\"',;)\]}]{1,4096}"
_NAMES = (
    r"pass(?:word|wd|phrase|wort)?|pwd|kennwort|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key"
    r"|client[-_ ]?secret|auth[-_ ]?token|credentials?|connection[-_ ]?string"
)

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "private key",
            r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[\s\S]*?-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|[\s\S]*\Z)",
        ),
        ("athena key", r"\bath_[A-Za-z0-9_-]{16,}"),
        ("api key", r"\b(?:sk|rk|pk)[-_][A-Za-z0-9][A-Za-z0-9_-]{14,}"),
        ("aws key", r"\b(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}\b"),
        ("token", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        ("token", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{16,})"),
        ("token", r"\bxox[abeprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}"),
        ("api key", r"\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{20,}"),
        (
            "token",
            r"\b(?:hf|npm|dckr_pat|dop_v1|shpat|pat|lin_api|secret)_[A-Za-z0-9_-]{20,}|\bpypi-[A-Za-z0-9_-]{16,}",
        ),
        ("api key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\bgsk_[A-Za-z0-9]{20,}|\bxai-[A-Za-z0-9]{20,}"),
    )
)
_IN_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]{0,256}:)[^\s/@]{1,256}(?=@)")
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)(?!\[redacted)[A-Za-z0-9._~+/=-]{12,}")
# password=…, "api_key": "…", DB_PASSWORD: …, --token …
_ASSIGNED = re.compile(
    rf"(?i)(?<![A-Za-z])((?:[A-Za-z0-9]{{1,40}}[-_.]){{0,4}}(?:{_NAMES})(?:[-_.][A-Za-z0-9]{{1,40}}){{0,2}}[\"']?\s{{0,4}}"
    rf"(?:=>|:=|[=:])\s{{0,4}})(?!\[redacted|[\"']\[redacted)(?:{_VALUE})"
)
_OPTION = re.compile(rf"(?i)(--?(?:{_NAMES})[ =])(?!\[redacted)(?:{_VALUE})")
# The password is …, das Passwort lautet …
_TOLD = re.compile(
    rf"(?i)\b((?:password|passphrase|passwort|kennwort|api key|secret key|access token)\s+(?:is|was|ist|war|lautet)\s+)"
    rf"(?!\[redacted)(?:{_VALUE})"
)


def redacted(text: str) -> str:
    """The text with `[redacted KIND]` in the place of each secret. What was redacted stays as it is."""
    for kind, form in _FORMS:
        text = form.sub(f"[redacted {kind}]", text)
    text = _IN_URL.sub(r"\1[redacted password]", text)
    text = _BEARER.sub(r"\1\2[redacted token]", text)
    for form in (_ASSIGNED, _OPTION, _TOLD):
        text = form.sub(r"\1[redacted value]", text)
    return text
