-- Where the newest number of each metric of a run is: lists of runs show and are sorted by it, and must not read all
-- values for that. The rule is `outhaul_store::rules::is_newer`.
CREATE TABLE newest_metrics (
    run      INTEGER NOT NULL,
    name     TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (run, name),
    FOREIGN KEY (run, position) REFERENCES metrics (run, position)
) STRICT, WITHOUT ROWID;

-- Of what is there already. A time that is NULL was a NaN, which is later than every other.
INSERT INTO newest_metrics (run, name, position)
SELECT run, name, position FROM (
    SELECT run, name, position, row_number() OVER (
        PARTITION BY run, name
        ORDER BY coalesce(step, 0) DESC, coalesce(time, 9e999) DESC, value = '"NaN"' DESC, number DESC, position DESC
    ) AS place
    FROM (
        SELECT *, CASE value
            WHEN '"NaN"' THEN 9e999
            WHEN '"Infinity"' THEN 9e999
            WHEN '"-Infinity"' THEN -9e999
            WHEN 'true' THEN 1
            WHEN 'false' THEN 0
            ELSE CASE WHEN substr(value, 1, 1) IN ('"', 'n', '[', '{') THEN NULL ELSE CAST(value AS REAL) END
        END AS number
        FROM metrics WHERE kind = 'scalar'
    ) WHERE number IS NOT NULL
) WHERE place = 1;
