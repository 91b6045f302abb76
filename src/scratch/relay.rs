//! A dev server in the network, reached by a socket of our own.
//!
//! `env.py` runs where there is no network but sockets that we name. So its connections go to a socket in a folder of
//! ours, and from there, by us, to the one address that the user named: whatever is asked for behind it, nothing else can
//! be reached. Bytes pass as they are; password and rights are the server's business.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::error::ScratchError;
use super::folder::{self, RunFolder};
use super::settings::Settings;
use crate::address::{Address, Login};

/// More connections at once than any `env.py` opens; those beyond are closed at once.
const MAX_CONNECTIONS: usize = 64;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const CHUNK_BYTES: usize = 64 * 1024;

/// A socket behind which a server of the network answers; it goes with this.
#[derive(Debug)]
pub(super) struct Relay {
    socket: PathBuf,
    folder: RunFolder,
    is_over: Arc<AtomicBool>,
}

impl Relay {
    /// The relay for an address in the network, with the address of its socket; None where `address` is a socket already.
    pub(super) fn to(address: &Address, settings: &Settings) -> Result<Option<(Self, Address)>, ScratchError> {
        let (login, is_postgresql) = match address {
            Address::PostgresqlHost { login, .. } => (login, true),
            Address::MysqlHost { login, .. } => (login, false),
            Address::Postgresql { .. } | Address::Mysql { .. } | Address::Sqlite { .. } => return Ok(None),
        };
        if login.is_socket() {
            return Ok(None);
        }
        folder::ensure_ours(&settings.run)?;
        let run = RunFolder::create(&settings.run, "relay")?;
        let inner = run.private("s", None)?;
        let socket = if is_postgresql { inner.join(format!(".s.PGSQL.{}", login.port)) } else { inner.join("s") };
        folder::require_short(&socket)?;
        let listener = UnixListener::bind(&socket).map_err(ScratchError::folder("listen in", &socket))?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (place, over) = ((login.host.clone(), login.port), Arc::clone(&is_over));
        std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || listen(&listener, &place, &over))
            .map_err(ScratchError::folder("listen in", &socket))?;
        let host = if is_postgresql { inner } else { socket.clone() };
        let login = Login { host: host.to_string_lossy().into_owned(), ..login.clone() };
        let database = address.database();
        let near = if is_postgresql { Address::PostgresqlHost { login, database } } else { Address::MysqlHost { login, database } };
        Ok(Some((Self { socket, folder: run, is_over }, near)))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Whom it lets in wakes the listener, who sees that it is over.
        let _ = UnixStream::connect(&self.socket);
        self.folder.remove();
    }
}

fn listen(listener: &UnixListener, place: &(String, u16), is_over: &AtomicBool) {
    let open = Arc::new(AtomicUsize::new(0));
    for near in listener.incoming() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(near) = near else { continue };
        if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (place, mine) = (place.clone(), Arc::clone(&open));
        let serve = move || {
            // A server that does not answer is what the other side sees: its connection is closed.
            let _ = serve(&near, &place);
            mine.fetch_sub(1, Ordering::Relaxed);
        };
        if std::thread::Builder::new().name("relay".to_owned()).spawn(serve).is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Passes bytes both ways until both sides have said all.
fn serve(near: &UnixStream, (host, port): &(String, u16)) -> io::Result<()> {
    let far = connected(host, *port)?;
    far.set_nodelay(true)?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = pass(&mut &*near, &mut &far);
            let _ = far.shutdown(Shutdown::Write);
        });
        let _ = pass(&mut &far, &mut &*near);
        // A server that has gone has nothing to hear any more: whoever still speaks to it is told.
        let _ = near.shutdown(Shutdown::Both);
    });
    Ok(())
}

fn connected(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(chunk.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
