//! MLflow's search language: conditions on metrics, params, tags, attributes and datasets, joined by `AND`.

mod lex;
mod matches;
mod parse;

pub use matches::{Searchable, matches};
pub use parse::{parse, parse_key};

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// The newest value of a metric.
    Metric,
    /// A param.
    Param,
    /// A tag.
    Tag,
    /// A field of the thing itself.
    Attribute,
    /// A field of a dataset that a run took in.
    Dataset,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `LIKE`: `%` is any text, `_` any character.
    Like,
    /// `LIKE` without regard to case.
    ILike,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

/// What a condition compares with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// Nothing, for `IS NULL`.
    Nothing,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What it is about.
    pub entity: Entity,
    /// The name of the metric, param, tag or field.
    pub key: String,
    /// How it compares.
    pub op: Op,
    /// With what.
    pub operand: Operand,
}

/// The fields that a kind of thing can be searched by.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    /// Those that are texts.
    pub texts: &'static [&'static str],
    /// Those that are numbers.
    pub numbers: &'static [&'static str],
    /// Other names of fields.
    pub aliases: &'static [(&'static str, &'static str)],
}
