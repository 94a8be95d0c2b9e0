"""Log lines tell their request or task, and cannot be forged."""

import json
import logging

from deposit.monitoring.logs import JsonFormatter, LineFormatter, request_id


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("deposit.test", logging.WARNING, __file__, 1, message, arguments, None)


def test_line_ends_with_its_request() -> None:
    token = request_id.set("abc12345")
    try:
        line = LineFormatter().format(record("event=%s deposit=%s", "verify", 7))
    finally:
        request_id.reset(token)
    assert line == "WARNING deposit.test event=verify deposit=7 request=abc12345"


def test_message_cannot_begin_a_second_line() -> None:
    line = LineFormatter().format(record("name=%s", "x\nCRITICAL forged"))
    assert line == "WARNING deposit.test name=x\\nCRITICAL forged"


def test_json_tells_the_pairs_of_the_message() -> None:
    fields = json.loads(
        JsonFormatter().format(record("event=%s deposit=%s reason=%r", "fail", 7, "disk full"))
    )
    assert (fields["event"], fields["deposit"], fields["reason"]) == ("fail", "7", "disk full")
    assert (fields["level"], fields["logger"]) == ("WARNING", "deposit.test")


def test_pairs_of_a_message_do_not_replace_the_records_own() -> None:
    fields = json.loads(JsonFormatter().format(record("level=%s", "DEBUG")))
    assert fields["level"] == "WARNING"


def test_a_line_begins_with_its_time_where_no_journal_adds_it() -> None:
    said = record("event=%s", "start")
    said.created = 0.25
    assert (
        LineFormatter(times=True).format(said) == "1970-01-01T00:00:00.250Z WARNING deposit.test event=start"
    )
