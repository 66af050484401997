"""The second row: log, notice, queue, review, merge, turn, gate, release; one database beside the project's files."""
