//! Lists of runs. Summaries are read from the narrow `runs` table alone; whole runs only where few are meant.

use outhaul_store::rules::RunQuery;
use outhaul_types::api::RunSummary;
use outhaul_types::{Run, RunId, RunState};
use rusqlite::types::Value;
use rusqlite::{Connection, Params, Row, params_from_iter};

use crate::fault::{Fault, Result};
use crate::{codec, runs, workspaces};

const SUMMARY: &str =
    "SELECT id, name, state, target, experiment, created_at, started_at, ended_at, ran_ms, tags,
    failure_class, exit_code FROM runs";

const ACTIVE_OF: &str = "runs.target = ?1 AND terminal = 0 AND has_spec = 1";

pub(crate) fn summaries(connection: &Connection, query: &RunQuery<'_>) -> Result<Vec<RunSummary>> {
    if let Some(name) = query.workspace {
        workspaces::check(connection, name)?;
    }
    let (sql, values) = statement(SUMMARY, query);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(summary(row)?);
    }
    Ok(found)
}

/// Those of these ids that are there, in this order.
pub(crate) fn of_ids(connection: &Connection, ids: &[RunId]) -> Result<Vec<RunSummary>> {
    let mut statement = connection.prepare_cached(&format!("{SUMMARY} WHERE id = ?1"))?;
    let mut found = Vec::new();
    for id in ids {
        let mut rows = statement.query([id.as_str()])?;
        if let Some(row) = rows.next()? {
            found.push(summary(row)?);
        }
    }
    Ok(found)
}

/// Runs with a spec that have not ended, oldest first.
pub(crate) fn active(connection: &Connection) -> Result<Vec<Run>> {
    whole(connection, "terminal = 0 AND has_spec = 1", ())
}

/// Those of one target.
pub(crate) fn active_of(connection: &Connection, target: &str) -> Result<Vec<Run>> {
    whole(connection, ACTIVE_OF, [target])
}

/// Runs with a spec that have ended and are not released, oldest first.
pub(crate) fn unreleased(connection: &Connection) -> Result<Vec<Run>> {
    whole(connection, "terminal = 1 AND released = 0 AND has_spec = 1", ())
}

fn whole(connection: &Connection, condition: &str, values: impl Params) -> Result<Vec<Run>> {
    let sql = format!("{} WHERE {condition} ORDER BY runs.key", runs::SELECT);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(runs::from_row(row)?.1);
    }
    Ok(found)
}

/// The statement that selects what a query means, and its values. Values never become part of the text, so the same few statements
/// stay prepared.
pub(crate) fn statement(select: &str, query: &RunQuery<'_>) -> (String, Vec<Value>) {
    let mut sql = select.to_owned();
    let mut values = Vec::new();
    let mut glue = " WHERE ";
    let mut condition = |text: &str, given: &[&str]| {
        sql.push_str(glue);
        sql.push_str(text);
        glue = " AND ";
        values.extend(given.iter().map(|value| Value::Text((*value).to_owned())));
    };
    match query.parent {
        None if query.children => {}
        None => condition("parent IS NULL", &[]),
        Some(id) => condition("parent = (SELECT key FROM runs WHERE id = ?)", &[id]),
    }
    for (column, wanted) in [
        ("workspace = ?", query.workspace),
        ("experiment = ?", query.experiment),
        ("target = ?", query.target),
    ] {
        if let Some(wanted) = wanted {
            condition(column, &[wanted]);
        }
    }
    if let Some(state) = query.state {
        condition("state = ?", &[state.as_str()]);
        // Lets SQLite use the small index of runs that have not ended.
        condition(
            if state.is_terminal() {
                "terminal = 1"
            } else {
                "terminal = 0"
            },
            &[],
        );
    }
    match query.tag {
        None => {}
        Some((name, None)) => condition("key IN (SELECT run FROM run_tags WHERE name = ?)", &[name]),
        Some((name, Some(value))) => {
            condition(
                "key IN (SELECT run FROM run_tags WHERE name = ? AND value = ?)",
                &[name, value],
            );
        }
    }
    sql.push_str(" ORDER BY key DESC LIMIT ?");
    values.push(Value::Integer(query.limit.map_or(-1, i64::from)));
    (sql, values)
}

fn summary(row: &Row<'_>) -> Result<RunSummary> {
    let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?);
    let time = |column| row.get::<_, Option<i64>>(column)?.map(codec::time).transpose();
    let id = text(0)?;
    let state: RunState = text(2)?
        .parse()
        .map_err(|error| Fault::damaged(format!("run `{id}`"), &error))?;
    let tags = match text(9)? {
        "{}" => Default::default(),
        tags => codec::read(|| format!("the tags of run `{id}`"), codec::FORMAT, tags)?,
    };
    let class: Option<String> = row.get(10)?;
    Ok(RunSummary {
        id: id
            .parse()
            .map_err(|error| Fault::damaged("the id of a run", &error))?,
        name: row.get(1)?,
        state,
        target: row.get(3)?,
        experiment: row.get(4)?,
        created_at: codec::time(row.get(5)?)?,
        started_at: time(6)?,
        ended_at: time(7)?,
        ran_ms: row.get::<_, Option<i64>>(8)?.map(codec::unsigned).transpose()?,
        tags,
        failure_class: class.as_deref().map(codec::failure_class).transpose()?,
        exit_code: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many runs there were, and however many wait for other targets.
    #[test]
    fn active_runs_of_a_target_are_found_by_their_index_and_need_no_sorting() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::migrate::migrate(&mut connection).unwrap();
        let sql = format!(
            "EXPLAIN QUERY PLAN {} WHERE {ACTIVE_OF} ORDER BY runs.key",
            runs::SELECT
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let plan = statement
            .query_map(["gpu"], |row| row.get::<_, String>(3))
            .unwrap();
        let plan: Vec<_> = plan.map(|step| step.unwrap()).collect();
        assert!(plan[0].contains("runs_active_of_target (target=?)"), "{plan:?}");
        assert!(plan.iter().all(|step| !step.contains("TEMP")), "{plan:?}");
    }
}
