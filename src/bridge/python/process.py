"""What ties this process to the one that started it, and what cuts it off from everything else (Linux)."""

import os
import signal
import stat
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_SLAVE = 4096, 16384, 1 << 19
MNT_DETACH = 2
SO_ACCEPTCON = 0x10000
CONNECTED_TYPES = ("0001", "0005")  # stream, sequenced packets

# Where servers of databases put their sockets unless told otherwise; hidden whole, for those that start later.
SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/run/mysqld", "/var/run/mysqld", "/var/lib/mysql")


_covered = []


def own_session():
    """Leaves the terminal: a password prompt of env.py fails instead of waiting for somebody."""
    try:
        os.setsid()
    except OSError:
        pass


def _libc():
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes
    except ImportError:
        return None
    return ctypes.CDLL(None, use_errno=True)


def isolate(own_sockets, wanted):
    """Enters an empty network namespace and hides the sockets of other servers; says which of both worked."""
    libc = _libc() if wanted else None
    if libc is None:
        return {"network_namespace": False, "hidden_sockets": False}
    listening = [path for path in _listening_sockets() if path not in own_sockets]
    uid, gid = os.getuid(), os.getgid()
    network = mounts = False
    for flags in (
        CLONE_NEWNET | CLONE_NEWNS,
        CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS,
        CLONE_NEWNET,
        CLONE_NEWUSER | CLONE_NEWNET,
    ):
        if libc.unshare(flags) == 0:
            network, mounts = True, bool(flags & CLONE_NEWNS)
            if flags & CLONE_NEWUSER:
                _keep_ids(uid, gid)
            break
    hidden = mounts and _hide(libc, listening, own_sockets)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return {"network_namespace": network, "hidden_sockets": hidden}


def die_with(parent):
    """Has the kernel end us when the thread that started us ends; checks that it has not ended before."""
    libc = _libc()
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _keep_ids(uid, gid):
    for file, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (uid, uid)), ("gid_map", "%d %d 1" % (gid, gid))):
        try:
            with open("/proc/self/" + file, "w") as map_file:
                map_file.write(text)
        except OSError:
            pass  # the ids show as "nobody" then; rights on files stay as they were


def _listening_sockets():
    """Paths of the sockets that accept connections on this machine."""
    paths = []
    try:
        with open("/proc/net/unix") as table:
            rows = [row.split(None, 7) for row in table][1:]
    except OSError:
        return paths
    for row in rows:
        if len(row) == 8 and int(row[3], 16) & SO_ACCEPTCON and row[4] in CONNECTED_TYPES and row[7].startswith("/"):
            paths.append(row[7].rstrip("\n"))
    return paths


def _hide(libc, listening, own_sockets):
    """Covers each socket with the null device, and the usual folders with empty ones, in our view of the files only."""
    if libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None) != 0:
        return False
    complete = True
    for path in filter(_is_socket, listening):
        if libc.mount(b"/dev/null", os.fsencode(path), None, MS_BIND, None) == 0:
            _covered.append(path)
        else:
            complete = False
    for folder in SOCKET_FOLDERS:
        holds_ours = any(os.path.realpath(own).startswith(os.path.realpath(folder) + "/") for own in own_sockets)
        if os.path.isdir(folder) and not holds_ours:
            options = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
            if libc.mount(b"none", os.fsencode(folder), b"tmpfs", options, None) == 0:
                _covered.append(folder)
    return complete


def reveal(own_sockets):
    """Uncovers the sockets of scratch servers that were running before they were named."""
    own = {os.path.realpath(path) for path in own_sockets}
    for path in list(_covered):
        real = os.path.realpath(path)
        if real in own or any(one.startswith(real + os.sep) for one in own):
            _libc().umount2(os.fsencode(path), MNT_DETACH)
            _covered.remove(path)


def _is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
