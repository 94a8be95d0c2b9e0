"""What a thing says about itself: ``codemeta.json``, ``CITATION.cff`` and others, read into one tree. Pure.

`files.read_file` reads one file, `files.combined` several of one package. What comes out is a `Description`: a tree of
CodeMeta's terms (`node`) in which dates, people, licences and identifiers have one form, and notes on what could not be
taken. The server reads what packages bring with the same modules, so they import nothing of it.
"""
