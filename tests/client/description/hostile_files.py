"""Files that are made to cost much, or are broken: each is refused with a reason, in little time."""

LONGEST = 1024 * 1024

HOSTILE = {
    "YAML of aliases": (
        "CITATION.cff",
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%d: &n%d [%s]\n" % (n, n, b",".join([b"*n%d" % (n - 1) if n else b"*a"] * 9)) for n in range(9)
        ),
    ),
    "YAML nested deep": ("CITATION.cff", b"[" * 100_000),
    "YAML blocks nested deep": ("CITATION.cff", b"- " * 100_000),
    "YAML of many fields": ("CITATION.cff", b"a: b\n" * 60_000),
    "YAML with a control character": ("CITATION.cff", b"title: a\x07b\n"),
    "YAML too large": ("CITATION.cff", b"#" * 600_000),
    "YAML that is none": ("CITATION.cff", b"a: [\n"),
    "JSON nested deep": ("codemeta.json", b"[" * 500_000),
    "JSON nested somewhat": ("codemeta.json", b'{"name":' * 60 + b'"x"' + b"}" * 60),
    "JSON of many values": ("codemeta.json", b'{"keywords":[' + b'"x",' * 30_000 + b'"x"]}'),
    "JSON too large": ("codemeta.json", b" " * (LONGEST + 1)),
    "JSON that is none": ("codemeta.json", b"{"),
    "JSON with a number of many digits": ("codemeta.json", b"[" + b"1" * 400_000 + b"]"),
    "references that double": (
        "codemeta.json",
        (
            '{"@graph":['
            + ",".join(f'{{"@id":"_:{n}","a":["_:{n + 1}","_:{n + 1}","_:{n + 1}"]}}' for n in range(30))
            + "]}"
        ).encode(),
    ),
    "TOML nested deep": ("pyproject.toml", b"a=" + b"[" * 100_000),
    "TOML of one long key": ("pyproject.toml", b"[" + b"a." * 100_000 + b"a]"),
    "TOML too large": ("pyproject.toml", b"#" * 600_000),
    "not UTF-8": ("codemeta.json", b'{"name": "\xff"}'),
    "nothing": ("codemeta.json", b""),
}
