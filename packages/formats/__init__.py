"""What a file is, by its content: formats of PRONOM, and what images say of themselves.

Needs ``deposit-server[museum]`` (pygfried, Pillow).
"""
