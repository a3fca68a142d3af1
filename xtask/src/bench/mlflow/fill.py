"""Puts runs into the SQLite file of MLflow's server, by copying the rows of one that its own server wrote: each with its
own id, parameter and metric."""

import sqlite3
import sys
import uuid

database, template, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = sqlite3.connect(database)
connection.row_factory = sqlite3.Row


def rows(table):
    return connection.execute("SELECT * FROM %s WHERE run_uuid = ?" % table, (template,)).fetchall()


templates = {table: rows(table) for table in ("runs", "tags", "params", "metrics", "latest_metrics")}
assert all(templates.values()), {table: len(found) for table, found in templates.items()}
for number in range(count):
    new = uuid.uuid4().hex
    for table, found in templates.items():
        for row in found:
            row = dict(row)
            row["run_uuid"] = new
            if table == "runs":
                row["start_time"] += number
                row["artifact_uri"] = row["artifact_uri"].replace(template, new)
            if table == "params" and row["key"] == "fold":
                row["value"] = str(number % 100)
            if table in ("metrics", "latest_metrics") and row["key"] == "loss":
                row["value"] = float(number)
            marks = ", ".join("?" * len(row))
            names = ", ".join('"%s"' % name for name in row)
            connection.execute("INSERT INTO %s (%s) VALUES (%s)" % (table, names, marks), tuple(row.values()))
connection.commit()
