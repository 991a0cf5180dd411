"""Texts that try to tell a model what to do. They stay what they are, events; but they prove nothing."""

from __future__ import annotations

import re

from athena.consolidation.slow.text.folding import fold, shown

# Letters of other alphabets that pass for Latin ones.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏοανικρτυ", "aeopcyxijsdhloavikptu")
_SPACED = re.compile(r"\b(?:\w[ .\-_*]){3,}\w\b")
_BETWEEN = re.compile(r"[ .\-_*]")
_NOISE = re.compile(r"[^\w'(){}:#|/⟨⟩ ]+")
# Far more than is ever shown of an event.
_LONGEST = 20_000
# Comparing takes angle brackets for quotation marks; here they tell a tag from a quoted word.
_TAGS = str.maketrans("<>‹›＜＞〈〉", "⟨⟩⟨⟩⟨⟩⟨⟩")
_WITHIN = r"\W+(?:\w+\W+){0,6}?"
_OVERRIDE = (
    r"ignor\w*|disregard\w*|(?<!don't )(?<!not )(?<!never )forget|overrid\w*|bypass\w*|do not follow|don't follow"
    r"|stop following|vergiss|vergesst|missachte\w*|oubli\w+|olvid\w+|dimentica\w*"
)
_ORDERS = (
    r"instructions?|directives?|prompts?|system messages?|anweisung\w*|instruktion\w*|consignes?|instruccion\w*"
    r"|istruzion\w*|guidelines|(?:previous|prior|above|earlier|these|your|the|all) (?:rules|context|messages?)"
    r"|everything (?:above|before|you were told)"
)
_ALL = r"everything|all|every|alles|alle|tout\w*|todo\w*|the (?:entire|whole)"
_KEPT = r"memor\w+|events?|records?|facts?|notes?|patterns?|data(?:base)?|tables?|knowledge|erinnerung\w*|history"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"\b(?:{_OVERRIDE}){_WITHIN}(?:{_ORDERS})\b",
        r"(?:ignore|disregard|override|forget)(?:all|the|any|my|your|previous|prior|above|earlier){1,4}(?:instructions|rules)",
        r"\b(?:wipe|erase|purge|destroy|delete|drop) (?:the|your|this) (?:\w+ )?(?:memory|memories|knowledge)\b"
        r"(?! (?:card|stick))",
        r"\b(?:new|updated|real|actual|hidden|secret|neue) (?:system )?(?:instructions?|prompt|anweisung\w*)\s*:",
        r"\bsystem (?:override|message) ?:",
        r"\b(?:system|developer) ?: ?(?:you|your|ignore|new|override|from now|always|never)\b",
        r"⟨/? ?(?:system|assistant|user|events?|notes?|statement|instructions?|memory|s|think|tool\w*)\b[^⟨⟩]{0,80}⟩",
        r"⟨\|[\w ]{1,30}\|⟩|⟨⟨/?sys⟩⟩|⟨(?:start|end)_of_turn⟩|\(/?(?:inst|tool_calls|available_tools|gmask)\)",
        r"### ?(?:system|instructions?|response|assistant|human)\b",
        r"\byou are (?:now |no longer )?(?:an? |the )?(?:\w+ )?(?:ai|assistant|language model|chatbot|dan|llm)\b",
        r"\b(?:as|du bist) (?:an? |ein\w* )?(?:ai|ki|language model|llm)\b",
        rf"\b(?:delete|erase|wipe|drop|purge|forget|destroy|remove|losch\w*|supprim\w+|borr\w+)\W+(?:{_ALL})"
        rf"(?:(?:\W+(?:\w+\W+){{0,3}}?(?:{_KEPT})\b)|\s*(?:$|[^\w\s]|(?:now|please|immediately|else)\b))",
        r"\b(?:answer|respond|reply|output|print|return|say)\W+(?:\w+\W+){0,2}?(?:only|with|just|exactly|always)\W+"
        r"(?:\w+\W+){0,4}?(?:yes|true|json|supports?|supported|the following|e\d+)\b",
        r"\b(?:answer|respond|reply)\W+(?:yes|true)\b",
        r"\b(?:cite|quote)\W+(?:\w+\W+){0,3}?(?:e\d+|this event|events? e?\d+)\b",
        rf"\b(?:mark|treat|accept|record|store|save|add|remember|output|propose|consider)\W+(?:\w+\W+){{0,6}}?"
        rf"as (?:an? |the )?(?:\w+ )?(?:{_KEPT}|true|supported|instructions?|rules?)\b",
        r"\b(?:the|this|every|each) (?:statement|note|claim) (?:is|must be) (?:\w+ )?(?:true|supported|valid|yes)\b",
        r"'?(?:patterns|facts|contradictions|citations|supports|statement|json_schema|tool_call)'\s*:\s*['({(]",
        r"\b(?:reveal|leak|exfiltrate|repeat|print|show)\W+(?:\w+\W+){0,4}?(?:prompt|instructions|system message)\b",
        r"\bdo(?: not|n't) (?:tell|inform|mention (?:this|it) to) (?:the )?(?:user|anyone|human)\b",
    )
)


def instructing(text: str) -> bool:
    """Whether the text speaks to a model and not of what happened: overrides orders, plays a part of a prompt, says
    how to answer or what to delete. Rather too much than too little: what is found here only isn't evidence."""
    flat = fold(shown(text.translate(_TAGS), _LONGEST).text)
    if not flat:
        return False
    return any(form.search(view) for view in dict.fromkeys((flat, _undisguised(flat))) for form in _FORMS)


def _undisguised(flat: str) -> str:
    """Without look-alike letters, letters set apart, and signs between the words."""
    joined = _SPACED.sub(lambda found: _BETWEEN.sub("", found[0]), flat.translate(_LOOKALIKES))
    return " ".join(_NOISE.sub(" ", joined).split())
