//! What five `alembic` commands tell, asked of one bridge: current, history, heads, check and offline SQL, first cold,
//! then warm. Prints milliseconds as JSON. `benches/bridge.py` runs it beside the five commands.
//!
//! `five <python> <folder> <sqlite file | socket folder:database>`

#![allow(clippy::print_stdout)] // A program for a terminal.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use alembic_gate::address::Address;
use alembic_gate::bridge::{Bridge, BridgeError, BridgeSettings, Direction, Python, ScratchTarget, Surroundings};

const ROUNDS: usize = 20;
const NAMES: [&str; 5] = ["current", "history", "heads", "check", "sql"];

fn milliseconds(ask: impl FnOnce() -> Result<(), BridgeError>) -> Result<f64, BridgeError> {
    let before = Instant::now();
    ask()?;
    Ok(before.elapsed().as_secs_f64() * 1000.0)
}

fn five(bridge: &mut Bridge) -> Result<[f64; 5], BridgeError> {
    Ok([
        milliseconds(|| bridge.current().map(drop))?,
        milliseconds(|| bridge.history().map(drop))?,
        milliseconds(|| bridge.heads().map(drop))?,
        milliseconds(|| bridge.compare().map(drop))?,
        milliseconds(|| bridge.render(Direction::Up, "base", "b2").map(drop))?,
    ])
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [python, folder, scratch] = given.as_slice() else { return Err("five <python> <folder> <scratch>".into()) };
    let folder = Path::new(folder);
    let address = match scratch.split_once(':') {
        Some((socket_dir, database)) => {
            Address::Postgresql { socket_dir: socket_dir.into(), port: 5432, user: "postgres".to_owned(), database: database.to_owned() }
        }
        None => Address::Sqlite { file: PathBuf::from(scratch) },
    };
    let dialect = match address {
        Address::Sqlite { .. } => alembic_gate::dialect::Dialect::Sqlite,
        _ => alembic_gate::dialect::Dialect::Postgresql,
    };
    let began = Instant::now();
    let python = Python::found(Some(Path::new(python)), folder, &Surroundings::of_this_process())?;
    let settings = BridgeSettings::plain(folder, dialect, vec![ScratchTarget { address, proof: None, is_prepared: false }]);
    let (mut bridge, _) = Bridge::start(python, settings)?;
    let start = began.elapsed().as_secs_f64() * 1000.0;
    let cold = five(&mut bridge)?;
    let warm = if std::env::var_os("COLD_ONLY").is_some() {
        Vec::new()
    } else {
        (0..ROUNDS).map(|_| five(&mut bridge)).collect::<Result<_, _>>()?
    };
    let medians: Vec<f64> = (0..NAMES.len())
        .map(|n| {
            let mut times: Vec<f64> = warm.iter().filter_map(|round| round.get(n).copied()).collect();
            times.sort_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or_default()
        })
        .collect();
    println!("{}", serde_json::json!({ "start": start, "names": NAMES, "cold": cold, "warm": medians }));
    Ok(())
}
