//! Aligned tables. Pure.

use std::fmt::Write as _;

use super::{Paint, clean};

/// How a cell is painted.
type Painter = fn(Paint, &str) -> String;

/// One cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    right: bool,
    painter: Option<Painter>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let text = match clean(&text) {
            std::borrow::Cow::Borrowed(_) => text,
            std::borrow::Cow::Owned(cleaned) => cleaned,
        };
        Self {
            text,
            right: false,
            painter: None,
        }
    }

    /// A cell whose text stands at the right: a number.
    pub(crate) fn right(text: impl Into<String>) -> Self {
        Self {
            right: true,
            ..Self::new(text)
        }
    }

    #[must_use]
    pub(crate) fn painted(mut self, painter: Painter) -> Self {
        self.painter = Some(painter);
        self
    }
}

/// A table with a head.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&'static str; N]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// The table without a column in which nothing stands.
    #[must_use]
    pub(crate) fn without_empty(mut self, name: &str) -> Self {
        let Some(column) = self.head.iter().position(|head| *head == name) else {
            return self;
        };
        let full = |row: &Vec<Cell>| row.get(column).is_some_and(|cell| !cell.text.is_empty());
        if !self.rows.iter().any(full) {
            self.head.remove(column);
            for row in self.rows.iter_mut().filter(|row| column < row.len()) {
                row.remove(column);
            }
        }
        self
    }

    /// The table as lines, without blanks at their ends.
    pub(crate) fn show(&self, paint: Paint) -> String {
        let mut widths: Vec<usize> = self.head.iter().map(|name| name.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let mut text = String::new();
        let right = |column: usize| {
            self.rows
                .iter()
                .any(|row| row.get(column).is_some_and(|cell| cell.right))
        };
        let head: Vec<Cell> = self
            .head
            .iter()
            .enumerate()
            .map(|(column, name)| Cell {
                text: (*name).to_owned(),
                right: right(column),
                painter: Some(Paint::dim),
            })
            .collect();
        for row in std::iter::once(&head).chain(&self.rows) {
            let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate().take(last + 1) {
                let blanks = width - cell.text.chars().count();
                let (before, after) = if cell.right { (blanks, 0) } else { (0, blanks) };
                let painted = cell.painter.map(|painter| painter(paint, &cell.text));
                let shown = painted.as_deref().unwrap_or(&cell.text);
                let after = if column == last { 0 } else { after + 2 };
                let _ = write!(text, "{:before$}{shown}{:after$}", "", "");
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["NAME", "N", "NOTE"]);
        table.row([Cell::new("a"), Cell::right("1"), Cell::new("")]);
        table.row([
            Cell::new("längere").painted(Paint::good),
            Cell::right("1000"),
            Cell::new("x\u{1b}y"),
        ]);
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let expected = "NAME        N  NOTE\na           1\nlängere  1000  x\u{fffd}y\n";
        assert_eq!(table().show(Paint(false)), expected);
    }

    #[test]
    fn colours_do_not_move_columns() {
        let text = table().show(Paint(true));
        assert!(text.contains("\u{1b}[32mlängere\u{1b}[0m"), "{text:?}");
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(escape) = rest.find('\u{1b}') {
            plain.push_str(&rest[..escape]);
            rest = &rest[escape + rest[escape..].find('m').unwrap() + 1..];
        }
        assert_eq!(plain + rest, table().show(Paint(false)));
    }

    #[test]
    fn a_column_in_which_nothing_stands_can_be_left_out() {
        let mut table = Table::new(["A", "B"]);
        table.row([Cell::new("x"), Cell::new("")]);
        let other = {
            let mut other = Table::new(["A", "B"]);
            other.row([Cell::new("x"), Cell::new("y")]);
            other
        };
        assert_eq!(table.without_empty("B").show(Paint(false)), "A\nx\n");
        assert_eq!(other.without_empty("B").show(Paint(false)), "A  B\nx  y\n");
    }

    #[test]
    fn an_empty_table_is_its_head() {
        assert_eq!(Table::new(["A", "B"]).show(Paint(false)), "A  B\n");
    }
}
