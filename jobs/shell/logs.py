"""The log on standard error: one line a record, for people or for programs."""

import json
import logging
import os
import sys
import time

from jobs.core.text import one_line


class _Formatter(logging.Formatter):
    """One line a record, whatever the message: `warning: ...`, or a JSON object."""

    def __init__(self, *, json_lines: bool) -> None:
        super().__init__()
        self._json_lines = json_lines

    def format(self, record: logging.LogRecord) -> str:
        own = record.name.startswith("jobs")  # libraries log tracebacks along with their warnings
        message, level = one_line(super().format(record) if own else record.getMessage()), record.levelname.lower()
        if not self._json_lines:
            return f"{level}: {message}"
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        return json.dumps({"time": moment, "level": level, "message": message})


class _Handler(logging.Handler):
    """Writes past the buffer of sys.stderr: what a full disk leaves in one fails at exit, with a status of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(sys.stderr.fileno(), f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Exception:  # noqa: BLE001 - as logging asks of handlers
            self.handleError(record)


def log_to_stderr(*, json_lines: bool, verbose: bool) -> None:
    """Log this program's records, and only the warnings of libraries: botocore's debug log holds secrets."""
    handler = _Handler()
    handler.setFormatter(_Formatter(json_lines=json_lines))
    logging.raiseExceptions = False  # a closed standard error is no reason to fail, nor to say so
    logging.captureWarnings(capture=True)
    logging.getLogger().handlers = [handler]
    logging.getLogger("jobs").setLevel(logging.DEBUG if verbose else logging.INFO)
