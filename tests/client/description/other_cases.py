"""The files of Zenodo, Python, npm and R, and READMEs."""

from tests.client.description.case import WITH_ORCID, Case, file

OTHERS = [
    file(
        "Zenodo",
        ".zenodo.json",
        '{"title": "T", "creators": [{"name": "F, G", "orcid": "0000-0002-1825-0097", "affiliation": "O"}], '
        '"license": "MIT", "description": "<p>a &amp; b</p>"}',
        {
            "name": "T",
            "author": {**WITH_ORCID, "affiliation": {"name": "O"}},
            "license": "MIT",
            "description": "a & b",
        },
    ),
    file(
        "Zenodo without titles",
        ".zenodo.json",
        '{"creators": [{"name": "Group"}]}',
        {"author": {"name": "Group"}},
    ),
    file(
        "pyproject",
        "pyproject.toml",
        '[project]\nname = "n"\nversion = "1.10"\nauthors = [{name = "A", email = "a@b.org"}, '
        '{email = "c@d.org"}]\nlicense = "MIT"\n',
        {
            "name": "n",
            "softwareVersion": "1.10",
            "author": [{"name": "A", "email": "a@b.org"}, {"name": "c@d.org", "email": "c@d.org"}],
            "license": "MIT",
        },
    ),
    file(
        "dynamic version",
        "pyproject.toml",
        '[project]\nname = "n"\ndynamic = ["version"]\n',
        {"name": "n"},
        absent=("softwareVersion",),
    ),
    file(
        "licence as a file",
        "pyproject.toml",
        '[project]\nname = "n"\nlicense = {file = "LICENSE"}\n'
        'classifiers = ["License :: OSI Approved :: MIT License"]\n',
        {"license": "MIT"},
    ),
    file(
        "licence as an unnamed file",
        "pyproject.toml",
        '[project]\nname = "n"\nlicense = {file = "LICENSE"}\n',
        {"name": "n"},
        "names no licence",
        absent=("license",),
    ),
    file(
        "licence as a text",
        "pyproject.toml",
        '[project]\nname = "n"\nlicense = {text = "BSD-3-Clause"}\n',
        {"license": "BSD-3-Clause"},
    ),
    file(
        "Poetry",
        "pyproject.toml",
        '[tool.poetry]\nname = "n"\nversion = "2.0"\nauthors = ["Ada <a@b.org>"]\nlicense = "MIT"\n'
        'repository = "https://a.b/r"\n',
        {
            "name": "n",
            "softwareVersion": "2.0",
            "author": {"name": "Ada", "email": "a@b.org"},
            "license": "MIT",
            "codeRepository": "https://a.b/r",
        },
    ),
    file(
        "pyproject of a tool only", "pyproject.toml", "[tool.ruff]\nline-length = 100\n", {}, absent=("name",)
    ),
    file(
        "npm",
        "package.json",
        '{"name": "@s/n", "version": "1.0.0", '
        '"author": "Ada <a@b.org> (https://a.b/)", "license": "(MIT OR ISC)", "repository": "u/r"}',
        {
            "name": "@s/n",
            "author": {"name": "Ada", "email": "a@b.org", "url": "https://a.b/"},
            "license": "(MIT OR ISC)",
            "codeRepository": "https://github.com/u/r",
        },
    ),
    file(
        "npm, old licences",
        "package.json",
        '{"name": "n", "licenses": [{"type": "MIT", "url": "https://a.b/l"}]}',
        {"license": {"name": "MIT", "url": "https://a.b/l"}},
    ),
    file(
        "npm, licence as a file",
        "package.json",
        '{"name": "n", "license": "SEE LICENSE IN LICENSE.txt"}',
        {"name": "n"},
        "names a file",
        absent=("license",),
    ),
    file(
        "npm, author an object",
        "package.json",
        '{"name": "n", "author": {"name": "Ada", "email": "a@b.org"}, '
        '"repository": {"type": "git", "url": "git+ssh://git@github.com/u/r.git"}}',
        {"author": {"name": "Ada", "email": "a@b.org"}, "codeRepository": "https://github.com/u/r"},
    ),
    file(
        "npm, contributors only",
        "package.json",
        '{"name": "n", "contributors": ["Ada"]}',
        {"author": {"name": "Ada"}},
    ),
    file("npm, private", "package.json", '{"private": true}', {}, absent=("name",)),
    file(
        "R",
        "DESCRIPTION",
        "Package: p\nTitle: A\n    Tool\nVersion: 0.1-2\nLicense: MIT + file LICENSE\n"
        'Authors@R: c(\n    person(given = "G", family = "F", role = c("aut"), email = "a@b.org",\n'
        '    comment = c(ORCID = "0000-0002-1825-0097")), person("O", role = "cph"))\n',
        {
            "name": "p: A Tool",
            "softwareVersion": "0.1-2",
            "license": "MIT",
            "author": {**WITH_ORCID, "email": "a@b.org"},
            "contributor": {"name": "O", "Role": {"roleName": "copyright holder"}},
        },
    ),
    file(
        "R, plain author",
        "DESCRIPTION",
        "Package: p\nVersion: 1\nAuthor: A B [aut], C D and E F\nLicense: GPL (>= 2) | LGPL-3\n",
        {
            "author": [{"name": "A B"}, {"name": "C D"}, {"name": "E F"}],
            "license": ["GPL-2.0-or-later", "LGPL-3.0-only"],
        },
    ),
    Case(
        "R in Latin-1",
        "DESCRIPTION",
        "Package: p\nVersion: 1\nEncoding: latin1\nAuthor: Andr\u00e9\n".encode("latin-1"),
        {"author": {"name": "Andr\u00e9"}},
    ),
    file("a DESCRIPTION of something else", "DESCRIPTION", "This is about fish.\n", {}, absent=("name",)),
    file(
        "PKG-INFO",
        "PKG-INFO",
        "Metadata-Version: 2.1\nName: n\nVersion: 1.10\nAuthor-email: Ada <a@b.org>\nLicense: MIT\n\nbody: x\n",
        {
            "name": "n",
            "softwareVersion": "1.10",
            "author": {"name": "Ada", "email": "a@b.org"},
            "license": "MIT",
        },
    ),
    file(
        "README in Markdown",
        "README.md",
        "[![x](y)](z)\n# **A** [tool](https://a.b) \U0001f680\ntext\n",
        {"name": "A tool \U0001f680"},
    ),
    file("README in reStructuredText", "README.rst", ".. image:: x\n\nA tool\n======\n", {"name": "A tool"}),
    file("README with HTML", "readme.md", '<h1 align="center">A tool</h1>\n', {"name": "A tool"}),
    file("README in plain text", "README", "\n  A tool\n\nIt does things.\n", {"name": "A tool"}),
    file("README that says nothing", "README.md", "\n---\n\n", {}, absent=("name",)),
]
