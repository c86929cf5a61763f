"""What attacks on a prompt look like: one literal table of rules.

A rule looks only where one of its triggers stands, and its pattern starts there. Gaps are bounded and nothing
repeats inside a repetition, so the work is linear in the text. Patterns read lower-case text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_SEP = r"[\W_]{1,6}"


def _words(text: str) -> tuple[str, ...]:
    """The triggers in `a | b | c`, each with the spaces and newlines it stands with inside."""
    return tuple(text.split(" | "))


@dataclass(frozen=True)
class Rule:
    """One way to attack."""

    kind: str
    """`injection.override` …: the flag it raises; several rules may raise one flag."""
    weight: float
    """The risk of one hit, from 0 to 1."""
    triggers: tuple[str, ...]
    """Words, in lower case, one of which starts every match."""
    pattern: str
    """What must stand from the trigger on; `~` is a separator, `@` a gap inside one sentence, `\\w+` one word."""
    anywhere: bool = False
    """Whether the trigger may stand inside a word."""

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, ready to match at a trigger."""
        pattern = self.pattern
        for short, long in _SHORT.items():
            pattern = pattern.replace(short, long)
        return re.compile(pattern)


ADVICE: dict[str, str] = {
    "injection.override": "Remove the passage that tells the model to drop its instructions.",
    "injection.role": "Remove the passage that gives the model another role.",
    "injection.jailbreak": "Remove the passage that asks for an answer without limits.",
    "injection.leak": "Remove the passage that asks for the prompt itself.",
    "injection.marks": "Remove the chat or system marks from the data.",
    "injection.authority": "Remove the passage that poses as new instructions.",
    "injection.addressed": "Remove the passage that speaks to the model instead of the reader.",
    "injection.output": "Remove the passage that dictates the answer.",
    "injection.exfiltration": "Remove the passage that asks to send something away.",
    "injection.flood": "Cut the text: it repeats an attacker's words thousands of times.",
    "injection.command": "Begin the text with other words than SYSTEM: or IGNORE.",
    "injection.suspected": "Read the passage: it is worded like an instruction to a model. Let it through by its flag.",
    "discusses_injection": "Nothing to do: the text writes about attacks, and what it quotes weighs less.",
    "markup.script": "Remove the script from the data.",
    "markup.image": "Remove the remote image, or allow its host.",
    "obfuscation.hidden": "Look at the text in an editor that shows invisible characters, and remove them.",
    "obfuscation.lookalikes": "Rewrite the words that mix letters of two scripts.",
    "blocked.phrase": "The phrase stands in prompt_security.block: remove it from the data or from that list.",
}
"""What to do, by flag; a secret has one sentence of its own."""

_OLD = (
    r"(?:all|any|every|the|these|those|this|your|my|our|previous|prior|earlier|above|preceding|foregoing|former|past"
    r"|initial|original|system|existing|current|other|said|of|and|or|that|such|safety|content|given|last)"
)
_ORDERS = (
    r"(?:instructions?|directions?|prompts?|rules?|guidelines?|commands?|directives?|orders?|constraints?|programming"
    r"|training|tasks?|messages?|restrictions?|assignments?|statements?|requests?|inputs?|context|text)"
)
_VERBS = ("ignore", "disregard", "forget", "neglect", "overlook", "discard")

_SHORT = {
    "%OLD%": _OLD,
    "%ORDERS%": _ORDERS,
    "~": _SEP,
    "@": r"[^.!?;]{0,40}?",
    r"\w+": r"[^\W_]{1,40}",
}
"""What patterns write short. Words are bounded and hold no `_`, so that no word can be read in two ways."""

RULES: tuple[Rule, ...] = (
    Rule(
        "injection.override",
        0.9,
        _words(
            "ignore | disregard | forget | neglect | overlook | discard | pay no attention to | do not follow | "
            "don't follow | stop following | skip | abandon | erase"
        ),
        r"(?:\w+(?:ing|ed)?|pay no attention to|do not follow|don't follow|stop following)~(?:about~"
        r")?(?:%OLD%~){1,6}(?:\w+~){0,2}%ORDERS%\b",
    ),
    Rule(
        "injection.override",
        0.85,
        _words("ignore | disregard | forget | neglect | overlook | discard"),
        r"\w+~(?:about~|all~(?:of~)?)?(?:everything|anything|whatever|what|all|the stuff)~(?:that~|which~"
        r")?(?:(?:\w+~){0,2}(?:told|said|learned|learnt|written|instructed|mentioned|discussed|know|knew)\b"
        r"|(?:came~|was~|is~|stands~|you(?:'ve)?~)?(?:above|before|prior|previously|earlier)\b)",
    ),
    Rule(
        "injection.override",
        0.8,
        _words("override | bypass | circumvent | disable | deactivate | turn off | violate"),
        r"(?:override|bypass|circumvent|disable|deactivate|turn off|violate)~(?:all~|any~)?(?:of~)?(?:your"
        r"|system|safety|previous|prior|the system|the safety|the previous|content|openai)\b@(?:instructions?"
        r"|prompts?|guidelines?|rules|filters?|programming|polic(?:y|ies)|restrictions?|protocols?|safeguards?"
        r"|training|measures)\b",
    ),
    Rule(
        "injection.override",
        0.9,
        _words(
            "ignorier | vergiss | vergessen sie | missachte | ignorez | ignore  | oubliez | oublie | olvida | "
            "olvide | ignora | ignorar | esqueça | esquece | dimentica | negeer | vergeet | zignoruj | "
            "zapomnij | unut"
        ),
        r"[\wç]+~(?:sie~|alles?~|tous?~|toutes~|todas?~|todos?~|tutt[ie]~|alle~|wszystkie~|önceki~|bütün~|tüm~"
        r"|les~|las~|los~|le~|as~|os~|die~|deine~|tes~|vos~|tus~|sus~|suas~){0,5}(?:(?:\w+~){0,3}(?:anweisung"
        r"|instruktion|aufgabe|befehl|regeln|consigne|instrucci|instruções|instruçoes|instrucoes|istruzion"
        r"|instructies|opdracht|instrukcj|polecen|talimat|komut|instructions (?:précédentes|antérieures"
        r"|ci-dessus))|(?:was )?(?:davor|zuvor|vorher|bisherige|vorherige|obige))",
    ),
    Rule(
        "injection.override",
        0.9,
        _words("игнорируй | проигнорируй | забудь | не обращай внимания"),
        r"[\w ]{4,40}?(?:предыдущ|прежн|все|выше|систем)@(?:инструкц|указан|правил|команд|сказан|промпт)",
        anywhere=True,
    ),
    Rule(
        "injection.override",
        0.9,
        _words("忽略 | 无视 | 無視 | 忘记 | 忘掉 | 不要理会 | 忽視 | 忘れ | 이전 | 앞의 | 위의 | पिछले | تجاهل | انس"),
        "[^。.!?]{0,20}?(?:指令|指示|提示|规则|規則|命令|설정|지시|명령|निर्देश|التعليمات|تعليمات|無視|忘れ)",
        anywhere=True,
    ),
    Rule(
        "injection.override",
        0.8,
        _words("pichle | pehle | purane | saare | sabhi | upar"),
        r"\w+~(?:\w+~){0,4}(?:instructions?|nirdesh|rules?|niyam|prompts?|baat(?:ein|en)?)~(?:\w+~"
        r"){0,3}(?:ignore|bhool|bhul|chhod|chod|hata)",
    ),
    Rule(
        "injection.leak",
        0.75,
        _words(
            "reveal | show | print | display | output | repeat | tell me | give me | share | expose | leak | "
            "disclose | return | write | what is | what are | what was | what were | what's | spell | "
            "summarize | translate | dump | recite | list | describe | provide | copy | quote | i want to see | "
            "zeige | nenne | mostra | dime | muestra | affiche"
        ),
        r"[\w' ]{4,20}?@\b(?:(?:your|the|its|system|initial|hidden|secret|original|full|entire|complete|exact"
        r"|deine[nr]?|tu|votre)~){1,4}(?:system[- ]?prompts?|prompts?\b(?! payment)|(?:initial|system|hidden"
        r"|secret)~(?:instructions?|directives?|message|rules|guidelines)"
        r"|instructions~(?:you|above|verbatim|given to you)|pre-?prompt|systemprompt|anweisungen)\b",
    ),
    Rule(
        "injection.leak",
        0.7,
        _words("repeat | print | output | copy | recite | spell check | summarize | translate | echo"),
        r"[\w ]{4,12}~(?:\w+~){0,4}(?:words?|text|everything|sentences?|phrases|content|instructions?|prompt"
        r"|lines?|conversation)~(?:\w+~){0,2}(?:above|before this|preceding this|prior to this|you were given"
        r"|starting with~you are)\b",
    ),
    Rule(
        "injection.leak",
        0.5,
        _words("system prompt | system-prompt | systemprompt | your instructions | your initial prompt"),
        r"(?:system[ -]?prompt|your (?:initial )?(?:instructions|prompt))\b",
    ),
    Rule(
        "injection.jailbreak",
        0.8,
        _words(
            "do anything now | dan mode | developer mode | jailbreak | jailbroken | god mode | evil mode | "
            "opposite mode | unrestricted ai | unfiltered ai | uncensored ai | an ai without | sudo mode | "
            "debug mode enabled | chaos mode | unethical ai | amoral"
        ),
        r"[\w ]{4,}",
    ),
    Rule(
        "injection.jailbreak",
        0.5,
        _words(
            "without any | without ethical | without moral | without censor | without filter | no ethical | "
            "no moral | free from | freed from | not bound by | no longer bound | not restricted by | "
            "ignores all | no restrictions | no filters | regardless of | does not care about | never refuse | "
            "not refuse | cannot refuse | can't refuse"
        ),
        r"[\w']+~[\w']+@(?:\b(?:ethic\w*|moral\w*|censor\w*|filter(?:s|ing)?|guidelines|openai"
        r"|content polic\w*|ai (?:rules|restrictions)|typical (?:confines|ai)|legality|illegal|request|answer"
        r"|user|restrictions on)\b)",
    ),
    Rule(
        "injection.jailbreak",
        0.45,
        _words(
            "stay in character | you must comply | you will comply | you must obey | always obey | "
            "as an ai language model | i cannot fulfill | no warnings | no disclaimers | without disclaimers | "
            "hypothetical scenario in which | unethical | uncensored | unfiltered"
        ),
        r"[\w ]{5,}",
    ),
    Rule(
        "injection.role",
        0.8,
        _words(
            "you are now | you're now | you will now | you are going to | you're going to | pretend | act as | "
            "act like | behave as | roleplay as | role-play as | simulate | imagine you | from now on"
        ),
        r"[\w' -]{6,20}?@\b(?:dan\b|stan\b|dude\b|evil|unrestricted|unfiltered|uncensored|no restrictions"
        r"|without (?:any )?(?:restrictions|rules|limits|filters|ethic)|any restrictions|hacker|malicious"
        r"|jailbroken|developer mode|anything now|unlimited|can do anything|no rules|not an ai|opposite)",
    ),
    Rule(
        "injection.role",
        0.45,
        _words(
            "from now on | from this point on | from this moment | ab jetzt | von nun an | a partir de ahora | "
            "à partir de maintenant | d'ora in poi | ab se | से अब"
        ),
        r"[\w'à ]{5,26}?~(?:\w+~){0,2}(?:you|your|act|answer|respond|reply|only|always|every|du|sie|antworte"
        r"|tu|tú|vous|tum|aap|ignore)\b",
    ),
    Rule(
        "injection.role",
        0.3,
        _words(
            "you are now | you're now | you will now act | pretend that you | pretend you | pretend to be | "
            "i want you to act as | act as if you"
        ),
        r"(?:you(?: are|'re)~now|you will now act|pretend(?: that)?~you|pretend to be|i want you to act as"
        r"|act as if you)~(?:an?|the|in|my|called|named|acting|operating|entering|are|were)\b",
    ),
    Rule(
        "injection.marks",
        0.8,
        _words(
            "<| | [inst] | [/inst] | <<sys>> | </s> | <start_of_turn> | <system> | </system> | [system] | "
            "###system | ### system | ### instruction | <im_start> | [system  | {{#system | <user_query> | "
            "</user_query>"
        ),
        r"(?:<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|system|user|assistant"
        r"|begin_of_text|end|endofprompt|im_sep)\|?>|\[/?inst\]|<<sys>>|</s>\s*<s>|<start_of_turn>|</?system>"
        r"|\[system(?: (?:message|prompt|note|override|update)[^\]]{0,60})?\]|### ?(?:system"
        r"|instructions?)\b ?(?:prompt|message|override)?:|<im_start>|\{\{#system|</?user_query>)",
        anywhere=True,
    ),
    Rule(
        "injection.marks",
        0.5,
        _words("\nsystem: | \nassistant: | \nhuman: | \nsystem message: | \nadmin: | \ndeveloper:"),
        r"\n(?:system|assistant|human|system message|admin|developer):\s*\S",
        anywhere=True,
    ),
    Rule(
        "injection.authority",
        0.6,
        _words(
            "new instruction | new task | new rules | new directive | new objective | new role | new prompt | "
            "updated instruction | additional instruction | real instruction | actual instruction | "
            "neue anweisung | neue aufgabe | nueva instrucci | nouvelles instructions | nuove istruzioni | "
            "naye nirdesh | नए निर्देश | 新指令 | 新しい指示"
        ),
        r"[^\n:.]{4,40}?\s?(?::|are|is|follow|lauten|folgen)",
    ),
    Rule(
        "injection.authority",
        0.6,
        _words("end of | begin new | start of new"),
        r"(?:end of|begin new|start of new)~(?:the~)?(?:user~|system~)?(?:prompts?|instructions?|input|context"
        r"|data|documents?|conversation|query|message|email|text)\b[\s\W_]{1,12}(?:new|now|begin|start|system"
        r"|instructions?|you|ignore|real|actual|important|next|update)\b",
    ),
    Rule(
        "injection.authority",
        0.6,
        _words(
            "system override | system update | system notice | system alert | system instruction | "
            "system command | admin override | administrator override | admin mode | override code | "
            "security override | maintenance mode | root access | developer override | emergency override | "
            "priority override"
        ),
        r"[\w ]{8,30}?(?:[:!\]>*-]|\s(?:activated|enabled|engaged|granted|required|accepted|initiated"
        r"|authorized|confirmed))",
    ),
    Rule(
        "injection.authority",
        0.6,
        _words("new important | new urgent | urgent new | important new | new critical | new instructions | new task"),
        r"(?:new|urgent|important)~(?:(?:new|important|urgent|critical)~)?(?:instructions?|tasks?|directives?|orders?)"
        r"[ \t]{0,3}(?:\*\*|:|!|=|\])",
    ),
    Rule(
        "injection.authority",
        0.5,
        _words(
            "regardless of any | regardless of all | regardless of previous | no matter what the | magic word "
            "| test pipeline"
        ),
        r"(?:(?:regardless of|no matter what)~(?:any~|all~|the~)?(?:previous|prior|other|above|system"
        r"|user)~(?:inputs?|instructions?"
        r"|prompts?|rules|requests?)|magic word@\b(?:you|mode|switch)|test pipeline@\bensure)\b",
    ),
    Rule(
        "injection.jailbreak",
        0.8,
        _words(
            "unrestricted mode | chatbot without | assistant without | ai without | model without "
            "| model built without | criminal"
        ),
        r"(?:unrestricted mode|(?:chatbot|assistant|ai|model)(?: built)? without~(?:any~)?(?:restrictions"
        r"|limits|filters|rules|ethic\w*"
        r"|moral\w*)|criminal~(?:language model|ai|chatbot|assistant))\b",
    ),
    Rule(
        "injection.output",
        0.5,
        _words("include the following | do the following | following in your | at the end of your | in your response"),
        r"(?:include the following|do the following|following)@\bin your (?:response|answer|reply|output)\b"
        r"|at the end of your (?:response|answer|reply|output)\b|in your response[,:]@\b(?:include|append"
        r"|insert|print|say)\b",
    ),
    Rule(
        "injection.addressed",
        0.6,
        _words(
            "if you are an ai | if you are a language | if you're an ai | if you are an llm | "
            "if you are a large | if you are an assistant | note to ai | note to the ai | note to llm | "
            "note to the llm | note to assistant | attention ai | attention: ai | dear ai | hey ai | "
            "dear assistant | dear chatgpt | hello chatgpt | hey chatgpt | instructions for ai | "
            "instruction for ai | instructions for the ai | instruction to the ai | message to ai | "
            "message for the ai | important message from | ai assistants must | ai assistant must | "
            "ai models must | llms must | the assistant must | the ai must | the model must now | "
            "ai agent must | this is an important message"
        ),
        r"[^\n]{8,}",
    ),
    Rule(
        "injection.output",
        0.5,
        _words("instead | stattdessen | in vece | en su lugar | à la place"),
        r"(?:instead|stattdessen|in vece|en su lugar|à la place)[\W_]{1,4}(?:you~|just~|only~|please~|simply~"
        r"|now~|should~|must~|will~|need to~|i want you to~|of (?:that|this|answering|summari[sz]ing"
        r"|translating)[^\n.]{0,40}?~){0,4}(?:say|print|output|respond|reply|answer with|return|tell me"
        r"|generate|translate|write|do the|provide|sage|schreibe?|antworte|gib)\b",
    ),
    Rule(
        "injection.output",
        0.5,
        _words(
            "respond only with | respond with only | reply only with | only respond with | only reply with | "
            "only output | output only | only say | just say | just print | just output | say exactly | "
            "respond exactly | your only response | your entire response | your response must | "
            "your answer must | your reply must | your first word | begin your response | start your response | "
            "start your answer | begin your answer | start every | end every | end your response | "
            "answer every question with | always respond with | always reply with | always answer with | "
            "respond to every | say that you | antworte nur | antworte mit | sage nur | responde solo"
        ),
        r"[\w ]{6,}",
    ),
    Rule(
        "injection.output",
        0.5,
        _words("pwned | i have been hacked | i've been hacked | been pwned | hacked!"),
        r"[\w' !]{4,}",
    ),
    Rule(
        "injection.exfiltration",
        0.85,
        _words(
            "send | post | forward | email | upload | transmit | exfiltrate | leak | append | include | embed | "
            "encode | submit | copy"
        ),
        r"\w+\b[^.!?]{0,60}?\b(?:conversation|chat history|message history|credentials?|api[ _-]?keys?"
        r"|passwords?|system prompt|secret(?:s| key)|environment variables|private keys?|cookies|session token"
        r"|user(?:'s)? data|personal data|this prompt)\b[^!?\n]{0,80}?(?:https?://|www\.|\b[\w.]{1,30}@\w"
        r"|webhook|\burl\b|\bendpoint\b|\battacker)",
    ),
    Rule(
        "markup.script",
        0.6,
        _words("<script | javascript: | <iframe | onerror= | onload= | <object | <embed"),
        r"(?:<script[\s>/]|javascript:\s*\w|<iframe[\s>]|on(?:error|load)\s?=\s?[\"']?\w|<object[\s>]"
        r"|<embed[\s>])",
        anywhere=True,
    ),
    Rule(
        "markup.image",
        0.45,
        _words("!["),
        r"!\[[^\]\n]{0,200}\]\(\s?<?https?://[^)\s]{1,200}[?&=][^)\s]{1,500}",
        anywhere=True,
    ),
)
