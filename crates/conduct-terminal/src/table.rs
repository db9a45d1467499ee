//! Tables as scripts have always cut them: two blanks between columns, none at the end of a line.

use crate::plain::plain;

/// Where the content of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left, filled up with blanks.
    Left,
    /// At the right, where numbers belong.
    Right,
}

/// Rows under headings.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &[(&'static str, Align)]) -> Table {
        Table {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| plain(cell.as_ref())).collect();
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }

    /// With headings.
    pub fn text(&self) -> String {
        let headings = self
            .columns
            .iter()
            .map(|(heading, _)| (*heading).to_owned());
        let headings: Vec<String> = headings.collect();
        let widths = self.widths();
        let lines = std::iter::once(&headings).chain(&self.rows);
        lines.map(|cells| self.line(cells, &widths)).collect()
    }

    /// The rows alone.
    pub fn bare(&self) -> String {
        let widths = self.widths();
        self.rows
            .iter()
            .map(|cells| self.line(cells, &widths))
            .collect()
    }

    fn widths(&self) -> Vec<usize> {
        let width = |(at, (heading, _)): (usize, &(&str, Align))| {
            let cells = self.rows.iter().map(|row| row[at].chars().count());
            cells.chain([heading.chars().count()]).max().unwrap_or(0)
        };
        self.columns.iter().enumerate().map(width).collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            let blanks = " ".repeat(width - cell.chars().count());
            match align {
                Align::Left => line += &format!("{cell}{blanks}  "),
                Align::Right => line += &format!("{blanks}{cell}  "),
            }
        }
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell_or_heading() {
        let mut table = Table::new(&[
            ("ID", Align::Left),
            ("#REP", Align::Right),
            ("X", Align::Left),
        ]);
        table.row(["! 878acb8", "3", ""]);
        table.row(["a", "12345", "é\u{1b}"]);
        let expected = "ID          #REP  X\n! 878acb8      3\na          12345  é\u{fffd}\n";
        assert_eq!(table.text(), expected);
        assert_eq!(
            table.bare(),
            "! 878acb8      3\na          12345  é\u{fffd}\n"
        );
    }
}
