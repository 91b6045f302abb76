//! What the targets have in common: the first byte chooses the dialect, the rest is text.

use alembic_gate::dialect::Dialect;

const DIALECTS: [Dialect; 6] = [Dialect::Postgresql, Dialect::Mysql, Dialect::Mariadb, Dialect::Sqlite, Dialect::Mssql, Dialect::Oracle];

/// The dialect that the first byte means (`0` to `5` in the seeds), and the text behind it.
pub fn dialect_and_text(data: &[u8]) -> (Dialect, String) {
    let (first, rest) = data.split_first().unwrap_or((&b'0', &[]));
    let dialect = DIALECTS[usize::from(first.wrapping_sub(b'0')) % DIALECTS.len()];
    (dialect, String::from_utf8_lossy(rest).into_owned())
}
