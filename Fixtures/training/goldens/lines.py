"""The text that tokenizers are trained on, and the lines they are tried on."""

from collections.abc import Callable

import torch

_SENTENCES = """\
The tongue of the joint is cut so that it fits one mortise and no other.
She wasn't sure they'd come; we'll see what he's done when they're here, I've said, and I'm certain.
In 1999 there were 12345 of them, in 2024 only 7, and by 2030 there'll be 1000000.
def total(values):\n    count = 0\n    for value in values:\n        count += value * 2\n    return count / 10
    if (x != y && z <= 0x1F) { print("a\\tb"); } // nothing else
https://example.org/a/path?query=one&other=two#there
Größe, Äpfel und Öl; naïve café, façade, señor, Ångström, crème brûlée.
Привет, мир! Как дела сегодня? Хорошо, спасибо.
Καλημέρα κόσμε, τι κάνεις σήμερα;
今天天气很好，我们去公园散步。你呢？
日本語の文章と、カタカナとひらがな。
안녕하세요 세계, 오늘은 날씨가 좋네요.
مرحبا بالعالم، كيف حالك اليوم؟
שלום עולם, מה שלומך היום?
नमस्ते दुनिया, आप कैसे हैं?
ๆ สวัสดีชาวโลก
🙂 🚀🚀 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️
"""
TEXT = _SENTENCES.splitlines() * 3 + ["  indented\n\n\n  and again\r\n", "\t\ttabs\t", "a  b   c    d"]

_BY_HAND = [
    "",
    " ",
    "  ",
    "   ",
    "\n",
    "\r\n",
    "\n\n\n",
    " \n ",
    "\t",
    "\t \t\n \n",
    "a",
    " a",
    "  a",
    "a ",
    "a  ",
    "a\nb",
    "a \n b",
    "a\r\nb\r\n\r\nc",
    "a\rb",
    "x   y    z     ",
    "\u00a0",
    "a\u00a0b",
    "a\u2003b\u2003\u2003c",
    "a\u3000b",
    "a\u2028b\u2029c",
    "a\u0085b",
    "\u200b\u200d\ufeff",
    "\x00",
    "\x00\x01\x1f\x7f\x80\x9f",
    "a\x0bb\x0cc\x1cd\x1fe",
    "it's",
    "IT'S",
    "It'S we'Ll they'RE I'vE I'M he'D can'T",
    "'s't're've'm'll'd",
    "'S'T'RE'VE'M'LL'D",
    " 's",
    "'x 'sx 'tt",
    "it’s they’ll",
    "''''",
    "don't'",
    "\u017f'\u017f",  # the long s folds to s where case is ignored
    "it'\u017f",
    "1",
    "12",
    "123",
    "1234",
    "12345678901234567890",
    " 1 12 123 1234",
    "3.14159e-10",
    "1,000,000.00",
    "½ ² ³ ⅷ Ⅻ ①②③ 一二三",
    "٠١٢٣٤٥٦٧٨٩",
    "०१२३",
    "𝟘𝟙𝟚𝟛",
    "a1b2c3",
    "x_1 __init__ snake_case camelCase",
    "!!!",
    " !!!",
    "!!!\n\n",
    "...\r\n...",
    "?!…—–-",
    "(a)[b]{c}<d>",
    "$100 €5 £7 ¥9 #tag @name 50%",
    "+=*/\\|~^`",
    "\"quoted\" 'single' “curly” ‘too’",
    "é",
    "e\u0301",
    "e\u0301\u0323",
    "\u1e9b\u0323",
    "A\u030a Å Å",
    "ﬁ ﬂ ﬀ",
    "\uac00 \u1100\u1161 \u1100\u1161\u11a8",
    "नमस्ते",
    "क्षत्रिय",
    "สวัสดี",
    "العَرَبِيَّة",
    "שָׁלוֹם",
    "ζῷον",
    "ΟΔΥΣΣΕΥΣ",
    "İstanbul ıI",
    "straße STRASSE ẞ",
    "ǅ ǆ Ǆ ʰ ª º",
    "ا\u0640ب",
    "日本語",
    "今天 天气 很好",
    "你好，世界！",
    "「こんにちは」",
    "한국어",
    "𠀀𠮷",
    "𝓗𝓮𝓵𝓵𝓸",
    "🙂",
    "🙂🙂",
    " 🙂 ",
    "👩‍👩‍👧‍👦",
    "🇩🇪🇫🇷",
    "👍🏽",
    "❤️",
    "1️⃣",
    "a🙂b",
    "\ue000\U000f0000",
    "\u0378\U000e0fff",  # not assigned
    "\ufffd\ufffe\uffff",
    "\U0010ffff",
    "<|endoftext|>",
    "a<|endoftext|>b",
    " <|endoftext|> ",
    "<|endoftext|><|endoftext|>",
    "<|endoftext",
    "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n",
    "<|begin_of_text|>a<|eot_id|><|end_of_text|>",
    "<tool>",
    "a  <tool>  b",
    "a\n<tool><tool>",
    "x<tool>y <tool",
    "def f(x):\n\treturn x\n\n\nclass A:\n    pass\n",
    "for (int i = 0; i < n; ++i) { a[i] += b[i]; }",
    "{\"key\": [1, 2.5, null, true], \"other\": \"\\u00e9\"}",
    "SELECT * FROM t WHERE a='b' -- it's",
    "https://example.org/a?b=c&d=%20#e",
    "C:\\Users\\name\\file.txt",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "abababababababababababab",
    "the the the the",
    "thethethethe",
    "The tongue of the joint",
    "unfamiliarwordsputtogether",
    "ÄÖÜäöüß",
    "\u0300a",
    " \u0300a",
    "1\u0300",
    "a\u20dd",
]
_PIECES = [
    " ", "  ", "\n", "\r\n", "\t", "the", " The", "count", "'s", "'LL", "’s", "it", "7", "42", "2024", "99999", ".", ",",
    "!?", "...", "(", ")", "é", "e\u0301", "ß", "Ж", "мир", "κόσμε", "今天", "日本", "안녕", "नम", "مرحبا", "שלום", "🙂", "👍🏽",
    "\u200d", "\u00a0", "\u3000", "\x00", "\x7f", "_", "-", "=", "\"", "<tool>", "²", "٣", "𝟘", "ſ",
]  # fmt: skip
_RANDOM = 160
_MOST_PIECES = 12


def lines(integers: Callable[[str, tuple[int, ...], int, int], torch.Tensor]) -> list[str]:
    """Lines by hand, the text itself, and random pieces put together; `integers` draws by label, shape and range."""
    random = []
    for number in range(_RANDOM):
        chosen = integers(f"line {number}", (1 + number % _MOST_PIECES,), 0, len(_PIECES)).tolist()
        random.append("".join(_PIECES[piece] for piece in chosen))
    return _BY_HAND + _SENTENCES.splitlines() + random
